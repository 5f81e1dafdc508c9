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
    public mutating func unsignedVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes bytes as they are.
    public mutating func raw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }

    /// Writes the length of a byte string or the count of a list; nil for null.
    public mutating func count(_ count: Int?, isCompact: Bool) throws(WireError) {
        guard let length = Int32(exactly: count ?? -1), length < Int32.max else {
            throw .invalidValue("a length of \(count ?? -1) does not fit in 32 bits")
        }
        if isCompact { unsignedVarint(UInt64(length + 1)) } else { integer(length) }
    }

    /// Writes a string; nil for null.
    public mutating func string(_ value: String?, isCompact: Bool) throws(WireError) {
        if isCompact {
            try count(value?.utf8.count, isCompact: true)
        } else {
            guard let length = Int16(exactly: value?.utf8.count ?? -1) else {
                throw .invalidValue("a string of \(value?.utf8.count ?? 0) bytes is too long")
            }
            integer(length)
        }
        if let value { raw(value.utf8) }
    }

    /// Sets the length of a frame of so many bytes, whose beginning this is.
    mutating func setLength(_ byteCount: Int) throws(WireError) {
        guard let length = Int32(exactly: byteCount - 4) else {
            throw .invalidValue("a response of \(byteCount) bytes is too long")
        }
        withUnsafeBytes(of: length.bigEndian) { bytes.replaceSubrange(0..<4, with: $0) }
    }
}
