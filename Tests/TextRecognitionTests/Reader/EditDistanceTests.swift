import Testing

@testable import TextRecognition

@Suite struct EditDistanceTests {
    @Test(arguments: [
        ("", "", 0), ("A", "", 1), ("", "AB", 2), ("KITTEN", "SITTING", 3), ("AB", "BA", 2),
        ("ABCDEF", "ABCDEF", 0), ("ABC", "XABC", 1),
    ])
    func `it counts the least changes`(read: String, truth: String, expected: Int) {
        #expect(EditDistance.between(Array(read.utf8), Array(truth.utf8)) == expected)
        #expect(EditDistance.between(Array(truth.utf8), Array(read.utf8)) == expected)
    }

    @Test func `spaces do not count`() {
        let found = EditDistance.withoutSpaces(Array("12 34".utf8), Array("1 2 3 5".utf8))
        #expect(found.distance == 1)
        #expect(found.length == 4)
    }
}
