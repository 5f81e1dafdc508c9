/// Writes Kafka's primitive types into a growing array of bytes.
public struct WireWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8]

    /// Begins with no bytes.
    ///
    /// - Parameter capacity: How many bytes to make room for.
    public init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Writes a big-endian integer.
    public mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes a truth value as one byte.
    public mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Writes an identifier of 16 bytes.
    public mutating func uuid(_ value: UUID16) {
        integer(value.high)
        integer(value.low)
    }

    /// Writes an unsigned varint, low bits first.
    public mutating func unsignedVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes bytes as they are.
    public mutating func raw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }

    /// Writes the length of a byte string or the count of an array; nil for null.
    public mutating func byteLength(_ count: Int?, isCompact: Bool) throws(WireError) {
        guard let count else {
            if isCompact { unsignedVarint(0) } else { integer(Int32(-1)) }
            return
        }
        guard let length = Int32(exactly: count), length < Int32.max else {
            throw .invalidValue("a length of \(count) does not fit in 32 bits")
        }
        if isCompact { unsignedVarint(UInt32(length) + 1) } else { integer(length) }
    }

    /// Writes a string; nil for null.
    public mutating func string(_ value: String?, isCompact: Bool) throws(WireError) {
        guard !isCompact else {
            try byteLength(value?.utf8.count, isCompact: true)
            if let value { raw(value.utf8) }
            return
        }
        guard let value else { return integer(Int16(-1)) }
        guard let length = Int16(exactly: value.utf8.count) else {
            throw .invalidValue("a string of \(value.utf8.count) bytes exceeds 32767 bytes")
        }
        integer(length)
        raw(value.utf8)
    }

    /// Overwrites four bytes at `position` with a big-endian integer.
    public mutating func patch(_ value: Int32, at position: Int) {
        precondition(position >= 0 && position + 4 <= bytes.count, "patch outside the bytes")
        for index in 0..<4 {
            bytes[position + index] = UInt8(truncatingIfNeeded: value >> Int32(24 - 8 * index))
        }
    }
}
