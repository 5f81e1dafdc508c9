import Testing

@testable import TextRecognition

@Suite struct ReadingErrorsTests {
    @Test(
        arguments: [
            ("", "", 0), ("", "ABC", 3), ("ABC", "", 3), ("ABC", "ABC", 0), ("ABC", "AXC", 1),
            ("ABC", "AC", 1), ("AC", "ABC", 1), ("KITTEN", "SITTING", 3), ("ABCD", "BCDA", 2),
        ]
    )
    func `the distance of texts is the fewest changes`(left: String, right: String, edits: Int) {
        #expect(ReadingErrors.distance(Array(left), Array(right)) == edits)
        #expect(ReadingErrors.distance(Array(right), Array(left)) == edits)
    }

    @Test func `errors are counted by characters and by lines, spaces left out`() {
        var errors = ReadingErrors()
        #expect(errors.characterErrorRate == 0 && errors.exactShare == 0)
        errors.add("12 34", truth: "1234")
        errors.add("AB", truth: "A BC")
        #expect(errors.lineCount == 2 && errors.exactCount == 1)
        #expect(errors.characterCount == 7 && errors.editCount == 1)
        #expect(errors.characterErrorRate == 1.0 / 7 && errors.exactShare == 0.5)
        var both = errors
        both.add(errors)
        #expect(both.lineCount == 4 && both.editCount == 2)
        #expect(both.exactShare == errors.exactShare)
    }
}
