import Testing

@testable import TextRecognition

/// What patterns match, and what is said of those that are none.
struct FieldPatternTests {
    @Test(
        arguments: [
            (
                "[A-Z]{2}\\d{7}", ["AB1234567", "ZZ0000000"],
                ["AB123456", "A11234567", "AB12345678", ""]
            ),
            ("A?B{2,3}", ["BB", "ABB", "ABBB"], ["AB", "BBBB", "AABB"]),
            ("(AB|CD)\\d|X", ["AB1", "CD9", "X"], ["AB", "X1", "ABCD1"]),
            ("\\d{2} ?\\d{2}", ["1234", "12 34"], ["12  34"]),
            ("[0-9A-F<]{3}", ["0F<", "999"], ["0G<"]),
            (".{2}\\.", ["AB.", "<<."], ["ABC"]),
            ("(\\d{2}/){2}\\d{4}", ["01/02/2034"], ["01/022034", "1/2/2034"]),
            ("", [""], ["A"]),
            ("A{0}B", ["B"], ["AB"]),
            ("(A?B?){2}", ["", "A", "AB", "BA", "ABAB"], ["ABABA", "BB1"]),
            ("[\\-A]\\\\", ["-\\", "A\\"], ["-"]),
        ] as [(String, [String], [String])]
    )
    func `a text matches or does not`(
        pattern: String,
        matching: [String],
        others: [String]
    ) throws {
        let compiled = try FieldPattern(pattern)
        for text in matching { #expect(compiled.matches(text), "\(text)") }
        for text in others { #expect(!compiled.matches(text), "\(text)") }
    }

    @Test(
        arguments: [
            ("[A-Z]{2}\\d{3}", "AB123", 0), ("[A-Z]{2}\\d{3}", "AB12", 1),
            ("[A-Z]{2}\\d{3}", "A8123", 1), ("[A-Z]{2}\\d{3}", "AB1234", 1),
            ("[A-Z]{2}\\d{3}", "", 5), ("A?B{2,3}", "ABBBBB", 2), ("(AB|XYZ)1", "XYZ", 1),
            ("(AB|XYZ)1", "XZ1", 1), ("", "ABC", 3), ("ABCD", "BCDA", 2),
        ] as [(String, String, Int)]
    )
    func `the distance is the least number of changes`(
        pattern: String,
        text: String,
        distance: Int
    ) throws {
        #expect(try FieldPattern(pattern).distance(to: text) == distance)
    }

    @Test(
        arguments: [
            ("(AB", 1), ("AB)", 3), ("[A-Z", 1), ("A{2", 2), ("A{3,2}", 2), ("?A", 1), ("A*", 2),
            ("[]", 1), ("A{x}", 2), ("\\q", 1), ("A\\", 2), ("[Z-A]", 2), ("{2}", 1),
            ("A{9999}", 2),
            ("[^A]", 2), ("^A", 1), ("(A|", 1), ("A{99999999999999999999}", 2),
        ] as [(String, Int)]
    )
    func `a malformed pattern is refused with the place`(pattern: String, place: Int) {
        let error = #expect(throws: TextRecognitionError.self) { try FieldPattern(pattern) }
        #expect(error?.message.hasSuffix("at character \(place)") == true, "\(error as Any)")
    }

    @Test func `patterns that are too large or too deep are refused`() {
        for pattern in [
            "((A{100}){100}){100}", String(repeating: "(", count: 100),
            "(.{0,500}){500}",
        ] {
            #expect(throws: TextRecognitionError.self) { try FieldPattern(pattern) }
        }
    }

    /// Numbers from the standards' own examples and from public documentation.
    @Test(
        arguments: [
            (CheckDigit.luhn, "79927398713"), (.luhn, "4111 1111 1111 1111"),
            (.icao, "L898902C36"), (.icao, "7408122"), (.icao, "1204159"),
            (.icao, "ZE184226B<<<<<1"),
            (.mod11Radix2, "0000-0002-1825-0097"), (.mod11Radix2, "0000-0002-1694-233X"),
            (.mod97Radix10, "79444"), (.iban, "GB82 WEST 1234 5698 7654 32"),
            (.iban, "DE89370400440532013000"), (.mod11Hybrid10, "0794 5"),
            (.mod37Radix2, "A999914123456N"), (.mod37Radix2, "G123489654321Y"),
            (.mod37Hybrid36, "A12425GABC1234002M"),
        ] as [(CheckDigit, String)]
    )
    func `a right check digit is accepted and any other refused`(
        check: CheckDigit,
        number: String
    ) {
        #expect(check.accepts(number))
        // Every single wrong digit is noticed by all of these systems.
        let symbols = Array(number)
        for index in symbols.indices {
            guard let digit = symbols[index].wholeNumberValue else { continue }
            var wrong = symbols
            wrong[index] = Character(String((digit + 1) % 10))
            #expect(!check.accepts(String(wrong)), "\(String(wrong))")
        }
    }

    @Test(arguments: CheckDigit.allCases)
    func `what is no number has no right check digit`(check: CheckDigit) {
        for text in ["", "1", "Ä", "12é", "٣٤٥"] { #expect(!check.accepts(text)) }
    }
}
