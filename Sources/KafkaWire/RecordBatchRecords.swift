// The records inside a batch, uncompressed: varints, keys, values, headers. Every length is
// compared with the bytes that are left before anything is skipped.

/// One record of a batch: where its parts are in the buffer that holds the records.
public struct RecordView: Sendable, Equatable {
    /// The record's time, counted from the batch's `baseTimestamp`.
    public var timestampDelta: Int64
    /// The record's offset, counted from the batch's `baseOffset`.
    public var offsetDelta: Int32
    /// Where the key is; nil for none.
    public var key: Range<Int>?
    /// Where the value is; nil for none.
    public var value: Range<Int>?
}

/// Goes through the uncompressed records of a batch, one by one.
///
/// The cursor borrows the memory: it must not outlive the closure that lent the buffer.
public struct RecordCursor {
    private let buffer: UnsafeRawBufferPointer
    private var position = 0

    /// Begins at the first record.
    public init(_ records: UnsafeRawBufferPointer) { buffer = records }

    /// Whether all bytes have been read.
    public var isAtEnd: Bool { position == buffer.count }

    /// Reads the next record and all its headers.
    ///
    /// - Returns: Where its parts are.
    /// - Throws: `WireError` if there is no whole record.
    public mutating func next() throws(WireError) -> RecordView {
        let length = try varint()
        guard length >= 0, Int(length) <= buffer.count - position else {
            throw .truncated("a record of \(length) bytes begins before byte \(position)")
        }
        let end = position + Int(length)
        guard position < end else { throw .malformed("the record at byte \(position) is empty") }
        position += 1  // The attributes, which have no meaning yet.
        let timestampDelta = try varlong()
        let offsetDelta = try varint()
        let key = try field(end)
        let value = try field(end)
        let headerCount = try varint()
        guard headerCount >= 0, Int(headerCount) <= end - position else {
            throw .malformed("a record before byte \(position) has \(headerCount) headers")
        }
        for _ in 0..<headerCount {
            guard try field(end) != nil else {
                throw .malformed("a header before byte \(position) has no key")
            }
            _ = try field(end)
        }
        guard position == end else {
            throw .malformed("a record ends at byte \(position) instead of \(end)")
        }
        return RecordView(
            timestampDelta: timestampDelta,
            offsetDelta: offsetDelta,
            key: key,
            value: value
        )
    }

    /// Reads a length and skips as many bytes; nil for -1.
    private mutating func field(_ end: Int) throws(WireError) -> Range<Int>? {
        let length = try varint()
        if length == -1 { return nil }
        guard length >= 0, position <= end, Int(length) <= end - position else {
            throw .truncated("\(length) bytes are announced at byte \(position) of a record")
        }
        let range = position..<position + Int(length)
        position = range.upperBound
        return range
    }

    /// Reads a zigzag varint of at most five bytes that fits in 32 bits.
    private mutating func varint() throws(WireError) -> Int32 {
        let value = try varlong()
        guard let small = Int32(exactly: value) else {
            throw .malformed("the varint before byte \(position) exceeds 32 bits")
        }
        return small
    }

    /// Reads a zigzag varint of at most ten bytes.
    private mutating func varlong() throws(WireError) -> Int64 {
        var bits: UInt64 = 0
        var shift: UInt64 = 0
        while position < buffer.count, shift < 70 {
            let byte = buffer[position]
            position += 1
            bits |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1) }
            shift += 7
        }
        throw .malformed("the varint before byte \(position) does not end")
    }
}
