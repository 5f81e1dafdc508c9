// The first 61 bytes of a record batch (magic 2), at fixed offsets, all integers big-endian. The
// same bytes travel on the wire and lie in the log's files.

/// What a record batch says about itself before its records.
public struct RecordBatchHeader: Sendable, Equatable {
    /// How many bytes the header takes.
    public static let byteCount = 61
    /// Where the bytes begin that the checksum covers.
    public static let checksumStart = 21
    /// How many bytes come before those that `batchLength` counts.
    static let lengthEnd = 12

    /// The offset of the first record; a client sends 0, the broker assigns it.
    public var baseOffset: Int64 = 0
    /// The number of bytes after this field; at least 49.
    public var batchLength: Int32 = 49
    /// The leader epoch in which the batch was appended; a client sends -1.
    public var leaderEpoch: Int32 = -1
    /// The version of the format; 2 is the only one accepted.
    public var magic: Int8 = 2
    /// CRC-32C of everything from `checksumStart` to the end.
    public var checksum: UInt32 = 0
    /// Compression, timestamp type, transactional and control bits.
    public var attributes: Int16 = 0
    /// The offset of the last record, counted from `baseOffset`.
    public var lastOffsetDelta: Int32 = 0
    /// The time from which the records' times count, in milliseconds since 1970.
    public var baseTimestamp: Int64 = 0
    /// The greatest time of a record, in milliseconds since 1970.
    public var maxTimestamp: Int64 = 0
    /// Who wrote the batch; -1 for a producer that is not idempotent.
    public var producerID: Int64 = -1
    /// The epoch of the producer; -1 for none.
    public var producerEpoch: Int16 = -1
    /// The sequence number of the first record; -1 for none.
    public var baseSequence: Int32 = -1
    /// How many records there are.
    public var recordCount: Int32 = 0

    /// Makes the header of an empty batch.
    public init() {}

    /// Reads a header; nil if fewer than 61 bytes follow the position.
    public init?(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        guard position >= 0, bytes.count - position >= Self.byteCount else { return nil }
        func load<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
            T(bigEndian: bytes.loadUnaligned(fromByteOffset: position + offset, as: T.self))
        }
        baseOffset = load(0, Int64.self)
        batchLength = load(8, Int32.self)
        leaderEpoch = load(12, Int32.self)
        magic = load(16, Int8.self)
        checksum = load(17, UInt32.self)
        attributes = load(21, Int16.self)
        lastOffsetDelta = load(23, Int32.self)
        baseTimestamp = load(27, Int64.self)
        maxTimestamp = load(35, Int64.self)
        producerID = load(43, Int64.self)
        producerEpoch = load(51, Int16.self)
        baseSequence = load(53, Int32.self)
        recordCount = load(57, Int32.self)
    }

    /// Writes the header to the first 61 bytes of a buffer, which must have them.
    public func write(to bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= Self.byteCount, "a header takes \(Self.byteCount) bytes")
        func store(_ value: some FixedWidthInteger, _ offset: Int) {
            bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: type(of: value))
        }
        store(baseOffset, 0)
        store(batchLength, 8)
        store(leaderEpoch, 12)
        store(magic, 16)
        store(checksum, 17)
        store(attributes, 21)
        store(lastOffsetDelta, 23)
        store(baseTimestamp, 27)
        store(maxTimestamp, 35)
        store(producerID, 43)
        store(producerEpoch, 51)
        store(baseSequence, 53)
        store(recordCount, 57)
    }
}

extension RecordBatchHeader {
    /// How the records of a batch are compressed, as the lowest three bits of its attributes.
    public enum Compression: Int16, Sendable, CaseIterable {
        /// Not at all.
        case none = 0
        /// One gzip member.
        case gzip = 1
        /// Snappy, raw or in Java's framing.
        case snappy = 2
        /// LZ4 frames.
        case lz4 = 3
        /// Zstandard frames.
        case zstd = 4
    }

    /// How the records are compressed; nil for a codec that does not exist.
    public var compression: Compression? { Compression(rawValue: attributes & 0b111) }
    /// Whether every record has the broker's time, `maxTimestamp`.
    public var usesAppendTime: Bool { attributes & 1 << 3 != 0 }
    /// Whether the batch belongs to a transaction.
    public var isTransactional: Bool { attributes & 1 << 4 != 0 }
    /// Whether the batch holds a marker of the broker instead of records.
    public var isControl: Bool { attributes & 1 << 5 != 0 }
    /// The size of the whole batch; an untrusted `batchLength` may make it negative.
    public var totalByteCount: Int { Int(batchLength) + Self.lengthEnd }
    /// The offset after the batch; wraps for nonsense instead of trapping.
    public var nextOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) &+ 1 }
    /// The sequence number of the last record: 2147483647 is followed by 0.
    public var lastSequence: Int32 {
        Int32(truncatingIfNeeded: (Int64(baseSequence) + Int64(lastOffsetDelta)) & 0x7FFF_FFFF)
    }

    /// Gives every record the broker's time; the checksum has to be computed anew.
    public mutating func setAppendTime(_ milliseconds: Int64) {
        attributes |= 1 << 3
        maxTimestamp = milliseconds
    }

    /// Whether the header can be that of a batch in a log that ends `available` bytes further on.
    ///
    /// Says nothing about the checksum.
    public func isPlausible(available: Int) -> Bool {
        magic == 2 && totalByteCount >= Self.byteCount && totalByteCount <= available
            && baseOffset >= 0 && lastOffsetDelta >= 0 && recordCount >= 0
            && baseOffset <= Int64.max - Int64(lastOffsetDelta) - 1
    }
}
