import Foundation
import Learning
import Testing

struct JSONReaderTests {
    private func isValid(_ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            do {
                try reader.skipValue()
                try reader.finish()
                return true
            } catch {
                return false
            }
        }
    }

    @Test(arguments: [
        "1", "-0", "0.5", "1e5", "1E+5", "-1.5e-10", "\"\"", "\"\\u00e9\\n\"", "[]", "{}",
        "[[],{}]",
        "{\"a\":[1,2,{\"b\":null}]}", " [ true , false , null ] ", "\"\\ud83d\\ude00\"", "\"ä\"",
    ])
    func `valid text is accepted`(text: String) { #expect(isValid(Array(text.utf8))) }

    @Test(arguments: [
        "", " ", "01", "1.", ".5", "+1", "1e", "--1", "-", "[1,]", "[,1]", "[1 2]", "{\"a\"}",
        "{\"a\":1,}", "{a:1}", "{1:1}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\u{1}\"", "tru", "nul", "[", "{", "{\"a\":", "1 1",
        "[1}", "{\"a\":1]", "NaN", "Infinity",
    ])
    func `invalid text is refused`(text: String) { #expect(!isValid(Array(text.utf8))) }

    @Test func `invalid UTF-8 is refused wherever it stands`() {
        for bytes: [UInt8] in [
            [0x80], [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
            [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] {
            #expect(!isValid([0x22] + bytes + [0x22]))
            #expect(String(validating: bytes, as: UTF8.self) == nil)
        }
    }

    @Test func `nesting beyond the limit is refused without a trap`() {
        #expect(
            isValid(
                Array(repeating: UInt8(ascii: "["), count: 100)
                    + Array(repeating: UInt8(ascii: "]"), count: 100)
            )
        )
        #expect(!isValid(Array(repeating: UInt8(ascii: "["), count: 5_000_000)))
    }

    @Test func `strings written are read back`() throws {
        let text = "a\"b\\c\n\r\t\u{0}\u{1F}é😀"
        var written: [UInt8] = []
        JSONText.append(text.utf8, to: &written)
        let read = try written.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            return try reader.readString()
        }
        #expect(read == Array(text.utf8))
        #expect(try JSONDecoder().decode(String.self, from: Data(written)) == text)
    }
}
