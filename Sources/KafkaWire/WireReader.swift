/// Reads Kafka's primitive types from bytes that nobody vouches for.
///
/// Every length is compared with the bytes that are left before anything is allocated or skipped,
/// and all lists together may take four times the memory of the bytes that they are read from.
/// The reader borrows the memory: it must not outlive the closure that lent the buffer.
public struct WireReader {
    private let buffer: UnsafeRawBufferPointer
    /// The index of the next byte.
    public private(set) var position: Int
    /// How many bytes of memory may yet be made from what is read.
    private var memoryLeft: Int
    /// How many elements lists may yet have.
    private var elementsLeft = Self.maximumElements

    /// The largest number of elements that all lists of a message may have.
    ///
    /// Ten times what a request about every partition of the largest topic has. It bounds what
    /// those who answer can be made to do: some 500 bytes of answer for each.
    public static let maximumElements = 200_000

    /// How much memory a message may take beyond four times its size.
    ///
    /// A request sensibly names ten thousand partitions, groups or topics at most: a hundred bytes
    /// for each, however short their names are.
    public static let freeMemory = 1 << 20

    /// Begins at the first byte of a buffer, or at a later one.
    public init(_ buffer: UnsafeRawBufferPointer, position: Int = 0) {
        precondition(position >= 0 && position <= buffer.count, "position outside the buffer")
        self.buffer = buffer
        self.position = position
        memoryLeft = 4 * buffer.count + Self.freeMemory
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

    /// Counts memory that is to be made from what is read.
    mutating func charge(_ byteCount: Int) throws(WireError) {
        memoryLeft -= byteCount
        guard memoryLeft >= 0 else {
            throw .tooLarge("the \(buffer.count) bytes of a message would take much more memory")
        }
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

    /// Reads a string; nil for null.
    public mutating func string(isCompact: Bool) throws(WireError) -> String? {
        guard let count = try length(Int16.self, isCompact) else { return nil }
        let range = try skip(count)
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[range])
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformed("the string at byte \(range.lowerBound) is not UTF-8")
        }
        return text
    }

    /// Reads a byte string into an array; nil for null.
    public mutating func bytes(isCompact: Bool) throws(WireError) -> [UInt8]? {
        try bytesRange(isCompact: isCompact).map { Array(buffer[$0]) }
    }

    /// Reads a byte string without copying it and returns where it is; nil for null.
    public mutating func bytesRange(isCompact: Bool) throws(WireError) -> Range<Int>? {
        guard let count = try length(Int32.self, isCompact) else { return nil }
        return try skip(count)
    }

    /// Reads the count of a list; nil for null.
    ///
    /// Elements take at least so many bytes here, and have so much memory made for each.
    public mutating func arrayCount(
        isCompact: Bool,
        least: Int = 1,
        memory: Int = 0
    ) throws(WireError) -> Int? {
        guard let count = try length(Int32.self, isCompact) else { return nil }
        guard count <= remaining / least else {
            throw .truncated("\(count) elements are announced, \(remaining) bytes are left")
        }
        elementsLeft -= count
        guard elementsLeft >= 0 else {
            throw .tooLarge("a message has more than \(Self.maximumElements) elements")
        }
        try charge(count * memory)
        return count
    }

    /// Skips a section of tagged fields; flexible versions end every structure with one.
    public mutating func skipTaggedFields() throws(WireError) {
        for _ in 0..<(try unsignedVarint()) {
            _ = try unsignedVarint()
            _ = try skip(Int(unsignedVarint()))
        }
    }

    private mutating func length<T: FixedWidthInteger>(
        _ type: T.Type,
        _ isCompact: Bool
    ) throws(WireError) -> Int? {
        let count = isCompact ? Int(try unsignedVarint()) - 1 : Int(try integer(as: type))
        guard count >= -1 else { throw .malformed("a length before byte \(position) is \(count)") }
        return count == -1 ? nil : count
    }
}

/// What the hand-written readers of Produce and Fetch share.
extension WireReader {
    /// Reads a list of structures, which must not be null.
    mutating func structures<Element>(
        isCompact: Bool,
        least: Int,
        _ element: (inout WireReader) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        let stride = MemoryLayout<Element>.stride
        guard let count = try arrayCount(isCompact: isCompact, least: least, memory: stride) else {
            throw .malformed("the list before byte \(position) is null")
        }
        if count > 0 { try charge(Self.objectMemory) }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try element(&self))
            if isCompact { try skipTaggedFields() }
        }
        return elements
    }

    /// Reads a string that must not be null.
    mutating func requiredString(isCompact: Bool) throws(WireError) -> String {
        guard let text = try string(isCompact: isCompact) else {
            throw .malformed("the string before byte \(position) is null")
        }
        try charge(Self.memory(ofTextOf: text.utf8.count))
        return text
    }

    /// What a string takes besides the 16 bytes that hold up to 15 bytes of text.
    static func memory(ofTextOf byteCount: Int) -> Int {
        byteCount > 15 ? byteCount + objectMemory : 0
    }

    /// What an array or a string takes besides its elements: 32 bytes of its own, and what the
    /// allocator adds and rounds up.
    private static let objectMemory = 56
}
