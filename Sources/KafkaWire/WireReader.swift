/// Reads Kafka's primitive types from bytes that nobody vouches for.
///
/// Every length is compared with the bytes that are left before anything is allocated or skipped.
/// The reader borrows the memory: it must not outlive the closure that lent the buffer.
public struct WireReader {
    private let buffer: UnsafeRawBufferPointer
    /// The index of the next byte.
    public private(set) var position: Int

    /// Begins at the first byte of a buffer, or at a later one.
    public init(_ buffer: UnsafeRawBufferPointer, position: Int = 0) {
        precondition(position >= 0 && position <= buffer.count, "position outside the buffer")
        self.buffer = buffer
        self.position = position
    }

    /// How many bytes are left.
    public var remaining: Int { buffer.count - position }

    /// Takes the next `count` bytes without copying them and returns where they are.
    public mutating func skip(_ count: Int) throws(WireError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw .truncated("\(count) bytes are announced at byte \(position), \(remaining) left")
        }
        let range = position..<(position + count)
        position += count
        return range
    }

    /// Reads a big-endian integer.
    public mutating func integer<T: FixedWidthInteger>(
        as type: T.Type = T.self
    ) throws(WireError) -> T {
        let range = try skip(MemoryLayout<T>.size)
        let raw = buffer.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self)
        return T(bigEndian: raw)
    }

    /// Reads a truth value; any byte but zero is true.
    public mutating func bool() throws(WireError) -> Bool { try integer(as: UInt8.self) != 0 }

    /// Reads an identifier of 16 bytes.
    public mutating func uuid() throws(WireError) -> UUID16 {
        UUID16(high: try integer(), low: try integer())
    }

    /// Reads an unsigned varint of at most five bytes that fits in 32 bits.
    public mutating func unsignedVarint() throws(WireError) -> UInt32 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 35, by: 7) {
            let byte = try integer(as: UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 {
                guard let result = UInt32(exactly: value) else {
                    throw .malformed("a varint before byte \(position) exceeds 32 bits")
                }
                return result
            }
        }
        throw .malformed("a varint before byte \(position) is longer than five bytes")
    }

    /// Reads the length of a string; nil for null.
    public mutating func stringLength(isCompact: Bool) throws(WireError) -> Int? {
        if isCompact { return try compactLength() }
        return try length(Int(integer(as: Int16.self)))
    }

    /// Reads the length of a byte string or the count of an array; nil for null.
    public mutating func byteLength(isCompact: Bool) throws(WireError) -> Int? {
        if isCompact { return try compactLength() }
        return try length(Int(integer(as: Int32.self)))
    }

    /// Reads a string; nil for null.
    public mutating func string(isCompact: Bool) throws(WireError) -> String? {
        guard let count = try stringLength(isCompact: isCompact) else { return nil }
        let range = try skip(count)
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[range])
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformed("the string at byte \(range.lowerBound) is not UTF-8")
        }
        return text
    }

    /// Reads a byte string into an array; nil for null.
    public mutating func bytes(isCompact: Bool) throws(WireError) -> [UInt8]? {
        guard let range = try bytesRange(isCompact: isCompact) else { return nil }
        return Array(buffer[range])
    }

    /// Reads a byte string without copying it and returns where it is; nil for null.
    public mutating func bytesRange(isCompact: Bool) throws(WireError) -> Range<Int>? {
        guard let count = try byteLength(isCompact: isCompact) else { return nil }
        return try skip(count)
    }

    /// Reads the count of an array whose elements take at least one byte each; nil for null.
    public mutating func arrayCount(isCompact: Bool) throws(WireError) -> Int? {
        guard let count = try byteLength(isCompact: isCompact) else { return nil }
        guard count <= remaining else {
            throw .truncated("\(count) elements are announced, \(remaining) bytes are left")
        }
        return count
    }

    /// Skips a section of tagged fields; flexible versions end every structure with one.
    public mutating func skipTaggedFields() throws(WireError) {
        for _ in 0..<(try unsignedVarint()) {
            _ = try unsignedVarint()
            _ = try skip(Int(unsignedVarint()))
        }
    }

    private mutating func compactLength() throws(WireError) -> Int? {
        let lengthPlusOne = try unsignedVarint()
        return lengthPlusOne == 0 ? nil : try length(Int(lengthPlusOne) - 1)
    }

    private func length(_ count: Int) throws(WireError) -> Int? {
        if count == -1 { return nil }
        guard count >= 0 else { throw .malformed("a length before byte \(position) is \(count)") }
        return count
    }
}
