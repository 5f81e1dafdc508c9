/// Reads JSON (RFC 8259) from bytes, value by value, without building a tree.
///
/// Made for untrusted input: nothing traps, nothing is recursive without a limit, and memory is
/// used only for the string that is asked for. The bytes must outlive the reader.
package struct JSONReader {
    /// Why the bytes are not the JSON that was asked for.
    package struct Failure: Error, Equatable {
        /// What is wrong, in a few words.
        package var message: String
        /// Where, counted in bytes from the beginning.
        package var position: Int
    }

    /// What a value is, by its first byte.
    package enum Kind: String {
        case object, array, string, number, boolean, null
    }

    /// Values nested deeper than this are refused; our own messages nest three deep.
    package static let maximumDepth = 128

    package private(set) var position = 0
    private let bytes: UnsafeRawBufferPointer
    private var expectsFirst = false

    /// Reads from the beginning of `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The kind of the value that comes next.
    package mutating func nextKind() throws(Failure) -> Kind {
        skipSpace()
        guard position < bytes.count else { throw failure("the text ends early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        default: throw failure("unexpected character")
        }
    }

    /// Enters an object; follow with `nextKey` until it returns nil.
    package mutating func beginObject() throws(Failure) {
        try expect("{")
        expectsFirst = true
    }

    /// The next key of the object being read, its colon consumed; nil after the last.
    package mutating func nextKey() throws(Failure) -> [UInt8]? {
        guard try nextMember(closing: UInt8(ascii: "}")) else { return nil }
        let key = try readString()
        try expect(":")
        return key
    }

    /// Enters an array; follow with `nextElement` until it returns false.
    package mutating func beginArray() throws(Failure) {
        try expect("[")
        expectsFirst = true
    }

    /// Whether the array being read has one more element, which then comes next.
    package mutating func nextElement() throws(Failure) -> Bool {
        try nextMember(closing: UInt8(ascii: "]"))
    }

    /// Checks that nothing but space follows.
    package mutating func finish() throws(Failure) {
        skipSpace()
        guard position == bytes.count else { throw failure("text follows the value") }
    }

    /// Reads a string; escapes are decoded.
    ///
    /// The bytes are valid UTF-8.
    package mutating func readString() throws(Failure) -> [UInt8] {
        let (start, end, escaped) = try scanString()
        guard escaped else { return Array(bytes[start..<end]) }
        var text: [UInt8] = []
        text.reserveCapacity(end - start)
        var index = start
        while index < end {
            if bytes[index] == UInt8(ascii: "\\") {
                try decodeEscape(at: &index, into: &text)
            } else {
                text.append(bytes[index])
                index += 1
            }
        }
        return text
    }

    /// Reads a number and returns its text.
    package mutating func readNumber() throws(Failure) -> UnsafeRawBufferPointer {
        skipSpace()
        let start = position
        if peek() == UInt8(ascii: "-") { position += 1 }
        if peek() == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits()
        }
        if peek() == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if let mark = peek(), mark | 0x20 == UInt8(ascii: "e") {
            position += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits()
        }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    /// Reads `true` or `false`.
    package mutating func readBoolean() throws(Failure) -> Bool {
        skipSpace()
        if peek() == UInt8(ascii: "t") {
            try expectWord("true")
            return true
        }
        try expectWord("false")
        return false
    }

    /// Skips the next value, whatever it is, checking that it is well formed.
    package mutating func skipValue() throws(Failure) {
        try skipValue(depth: 0)
    }

    private mutating func skipValue(depth: Int) throws(Failure) {
        guard depth < Self.maximumDepth else {
            throw failure("nested deeper than \(Self.maximumDepth)")
        }
        switch try nextKind() {
        case .object:
            try beginObject()
            while try nextMember(closing: UInt8(ascii: "}")) {
                try skipString()
                try expect(":")
                try skipValue(depth: depth + 1)
            }
        case .array:
            try beginArray()
            while try nextMember(closing: UInt8(ascii: "]")) { try skipValue(depth: depth + 1) }
        case .string: try skipString()
        case .number: _ = try readNumber()
        case .boolean: _ = try readBoolean()
        case .null: try expectWord("null")
        }
    }

    // MARK: - Pieces

    private func failure(_ message: String) -> Failure {
        Failure(message: message, position: position)
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
        skipSpace()
        guard peek() == UInt8(ascii: character) else { throw failure("expected \"\(character)\"") }
        position += 1
    }

    private mutating func expectWord(_ word: StaticString) throws(Failure) {
        for index in 0..<word.utf8CodeUnitCount {
            guard peek() == word.utf8Start[index] else { throw failure("expected \(word)") }
            position += 1
        }
    }

    private mutating func skipDigits() throws(Failure) {
        let start = position
        while let digit = peek(), digit &- UInt8(ascii: "0") < 10 { position += 1 }
        if position == start { throw failure("expected a digit") }
    }

    /// Steps over a comma to the next member; false when the closing bracket was met instead.
    private mutating func nextMember(closing: UInt8) throws(Failure) -> Bool {
        skipSpace()
        let isFirst = expectsFirst
        expectsFirst = false
        guard let next = peek() else { throw failure("the text ends early") }
        if next == closing {
            position += 1
            return false
        }
        if isFirst { return true }
        guard next == UInt8(ascii: ",") else { throw failure("expected a comma") }
        position += 1
        skipSpace()
        if peek() == closing { throw failure("expected a value after the comma") }
        return true
    }

    private mutating func skipString() throws(Failure) {
        let (start, end, escaped) = try scanString()
        guard escaped else { return }
        var sink: [UInt8] = []
        var index = start
        while index < end {
            if bytes[index] == UInt8(ascii: "\\") {
                try decodeEscape(at: &index, into: &sink)
                sink.removeAll(keepingCapacity: true)
            } else {
                index += 1
            }
        }
    }

    /// Finds the end of a string and checks its UTF-8; `start..<end` is what stands between quotes.
    private mutating func scanString() throws(Failure) -> (start: Int, end: Int, escaped: Bool) {
        try expect("\"")
        let start = position
        var escaped = false
        var allBits: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
                if allBits >= 0x80, !UTF8Check.isValid(text) { throw failure("invalid UTF-8") }
                position += 1
                return (start, position - 1, escaped)
            }
            if byte < 0x20 { throw failure("control character in a string") }
            if byte == UInt8(ascii: "\\") {
                escaped = true
                position += 1
            }
            allBits |= byte
            position += 1
        }
        position = bytes.count
        throw failure("a string without end")
    }

    private func decodeEscape(at index: inout Int, into text: inout [UInt8]) throws(Failure) {
        let mark = bytes[index + 1]  // scanString made sure that it is there
        index += 2
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(mark)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal(at: &index)
            if (0xD800..<0xDC00).contains(code), index + 1 < bytes.count,
                bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
            {
                index += 2
                let low = try hexadecimal(at: &index)
                guard (0xDC00..<0xE000).contains(low) else { throw failure("lone surrogate") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("lone surrogate") }
            if let encoded = UTF8.encode(scalar) { text.append(contentsOf: encoded) }
        default: throw failure("unknown escape")
        }
    }

    private func hexadecimal(at index: inout Int) throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count, let digit = Self.hexadecimalDigit(bytes[index]) else {
                throw failure("expected four hexadecimal digits")
            }
            code = code << 4 | digit
            index += 1
        }
        return code
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
