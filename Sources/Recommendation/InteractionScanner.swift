import CKernels
import Learning

/// The fast way through an interaction's JSON: any order of keys, unknown scalars skipped, nothing
/// copied.
///
/// Whatever is unusual or wrong makes it give up, and `InteractionDecoder` takes the slow and exact
/// way; so this never decides that an event is bad.
struct InteractionScanner {
    var user = UnsafeRawBufferPointer(start: nil, count: 0)
    var item = UnsafeRawBufferPointer(start: nil, count: 0)
    var timestamp: Int64 = -1
    /// Empty when the event has none.
    var id = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Nil when the event has no value.
    var value: Double?

    private var cursor: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    /// Longer values take the slow way.
    private static let maximumByteCount = 65_536

    private init(_ bytes: UnsafeRawBufferPointer, start: UnsafeRawPointer) {
        cursor = start.assumingMemoryBound(to: UInt8.self)
        end = cursor + bytes.count
    }

    /// The fields of an ordinary event; nil when the slow way is to decide.
    static func scan(_ bytes: UnsafeRawBufferPointer) -> InteractionScanner? {
        guard let start = bytes.baseAddress, bytes.count <= maximumByteCount else { return nil }
        var scanner = InteractionScanner(bytes, start: start)
        return scanner.scanObject() ? scanner : nil
    }

    private mutating func scanObject() -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        repeat {
            guard take(UInt8(ascii: "\"")), let key = restOfString(), take(UInt8(ascii: ":")),
                scanMember(key)
            else { return false }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { return false }
        skipSpace()
        return cursor == end && !user.isEmpty && !item.isEmpty && timestamp >= 0
    }

    /// The value of a known key is kept, that of another one skipped.
    private mutating func scanMember(_ key: UnsafeRawBufferPointer) -> Bool {
        switch key.count {
        case 4 where Self.isEqual(key, "user"):
            guard user.isEmpty, let id = scanID() else { return false }
            user = id
            return true
        case 4 where Self.isEqual(key, "item"):
            guard item.isEmpty, let id = scanID() else { return false }
            item = id
            return true
        case 9 where Self.isEqual(key, "timestamp"):
            guard timestamp < 0, let text = scanInteger(), text.count < 19,
                let integer = Self.integer(text)
            else { return false }
            timestamp = integer
            return true
        case 5 where Self.isEqual(key, "value"):
            guard value == nil, let number = scanDecimal() else { return false }
            value = number
            return true
        case 2 where Self.isEqual(key, "id"):
            guard id.isEmpty, let scanned = scanID() else { return false }
            id = scanned
            return true
        default: return skipScalar()
        }
    }

    private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return ck_equal(base, name.utf8Start, name.utf8CodeUnitCount) != 0
    }

    private mutating func skipSpace() {
        while cursor < end, cursor.pointee <= 0x20,
            cursor.pointee == 0x20 || (0x09...0x0A).contains(cursor.pointee)
                || cursor.pointee == 0x0D
        {
            cursor += 1
        }
    }

    private mutating func take(_ character: UInt8) -> Bool {
        skipSpace()
        guard cursor < end, cursor.pointee == character else { return false }
        cursor += 1
        return true
    }

    /// What stands before the closing quote; nil for escapes and control characters.
    private mutating func restOfString() -> UnsafeRawBufferPointer? {
        let start = cursor
        var allBits: UInt8 = 0
        while cursor < end {
            let byte = cursor.pointee
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeRawBufferPointer(start: start, count: cursor - start)
                cursor += 1
                return allBits < 0x80 || UTF8Check.isValid(text) ? text : nil
            }
            if byte < 0x20 || byte == UInt8(ascii: "\\") { return nil }
            allBits |= byte
            cursor += 1
        }
        return nil
    }

    private mutating func scanID() -> UnsafeRawBufferPointer? {
        let id = take(UInt8(ascii: "\"")) ? restOfString() : scanInteger()
        guard let id, !id.isEmpty, id.count <= InteractionEvents.maximumIDLength else { return nil }
        return id
    }

    /// An integer's text; nil for anything else, also for a fraction.
    private mutating func scanInteger() -> UnsafeRawBufferPointer? {
        skipSpace()
        let start = cursor
        if cursor < end, cursor.pointee == UInt8(ascii: "-") { cursor += 1 }
        guard skipWholeDigits() else { return nil }
        if cursor < end, cursor.pointee == UInt8(ascii: ".") || cursor.pointee | 0x20 == 0x65 {
            return nil
        }
        return UnsafeRawBufferPointer(start: start, count: cursor - start)
    }

    /// Digits without a leading zero.
    private mutating func skipWholeDigits() -> Bool {
        let start = cursor
        while cursor < end, cursor.pointee &- UInt8(ascii: "0") < 10 { cursor += 1 }
        return cursor - start == 1
            || (cursor - start > 1 && start.pointee != UInt8(ascii: "0"))
    }

    private static func integer(_ text: UnsafeRawBufferPointer) -> Int64? {
        var integer: Int64 = 0
        for byte in text {
            guard byte != UInt8(ascii: "-") else { return nil }
            integer = integer &* 10 &+ Int64(byte &- UInt8(ascii: "0"))
        }
        return integer
    }

    /// A number without exponent and of at most 15 digits, for which one division rounds correctly.
    private mutating func scanDecimal() -> Double? {
        skipSpace()
        let isNegative = cursor < end && cursor.pointee == UInt8(ascii: "-")
        if isNegative { cursor += 1 }
        let start = cursor
        guard skipWholeDigits() else { return nil }
        var mantissa: Int64 = 0
        var digitCount = cursor - start
        guard digitCount <= 15 else { return nil }
        for index in 0..<digitCount { mantissa = mantissa * 10 + Int64(start[index] & 15) }
        var scale = 1.0
        if cursor < end, cursor.pointee == UInt8(ascii: ".") {
            cursor += 1
            let fraction = cursor
            while cursor < end, cursor.pointee &- UInt8(ascii: "0") < 10 {
                digitCount += 1
                guard digitCount <= 15 else { return nil }
                mantissa = mantissa * 10 + Int64(cursor.pointee & 15)
                scale *= 10
                cursor += 1
            }
            if cursor == fraction { return nil }
        }
        if cursor < end, cursor.pointee | 0x20 == 0x65 { return nil }
        let magnitude = Double(mantissa) / scale
        return isNegative ? -magnitude : magnitude
    }

    private mutating func skipScalar() -> Bool {
        skipSpace()
        guard cursor < end else { return false }
        switch cursor.pointee {
        case UInt8(ascii: "\""):
            cursor += 1
            return restOfString() != nil
        case UInt8(ascii: "t"): return skipWord("true")
        case UInt8(ascii: "f"): return skipWord("false")
        case UInt8(ascii: "n"): return skipWord("null")
        default: return scanDecimal() != nil
        }
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        guard end - cursor >= word.utf8CodeUnitCount,
            ck_equal(cursor, word.utf8Start, word.utf8CodeUnitCount) != 0
        else { return false }
        cursor += word.utf8CodeUnitCount
        return true
    }
}
