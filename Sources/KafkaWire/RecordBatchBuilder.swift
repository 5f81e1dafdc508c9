/// Builds a record batch: the broker's own markers, and what tests send.
///
/// The checksum and the compression come from outside, since this target has no C code.
public struct RecordBatchBuilder: Sendable {
    /// A record to be written.
    public struct Record: Sendable {
        let key: [UInt8]?
        let value: [UInt8]?
        let timestamp: Int64
        let headers: [(key: String, value: [UInt8]?)]

        /// Describes a record; nil is no key, no value.
        public init(
            key: [UInt8]? = nil,
            value: [UInt8]?,
            timestamp: Int64 = 0,
            headers: [(key: String, value: [UInt8]?)] = []
        ) {
            self.key = key
            self.value = value
            self.timestamp = timestamp
            self.headers = headers
        }
    }

    /// What the batch says about itself; lengths, counts, times and checksum are set by `build`.
    public var header = RecordBatchHeader()
    private let records: [Record]

    /// Begins a batch with these records.
    public init(_ records: [Record]) { self.records = records }

    /// The records as they are before compression.
    public func encodedRecords() -> [UInt8] {
        var all = WireWriter()
        for (index, record) in records.enumerated() {
            var body = WireWriter()
            body.integer(Int8(0))
            body.varint(record.timestamp &- records[0].timestamp)
            body.varint(Int64(index))
            body.field(record.key)
            body.field(record.value)
            body.varint(Int64(record.headers.count))
            for header in record.headers {
                body.field(Array(header.key.utf8))
                body.field(header.value)
            }
            all.field(body.bytes)
        }
        return all.bytes
    }

    /// Writes the batch.
    ///
    /// - Parameters:
    ///   - compress: Compresses the records as `header.attributes` says; nothing by default.
    ///   - checksum: CRC-32C of the bytes that it is given.
    /// - Returns: The whole batch.
    public func build(
        compress: ([UInt8]) -> [UInt8] = { $0 },
        checksum: (UnsafeRawBufferPointer) -> UInt32
    ) -> [UInt8] {
        let payload = compress(encodedRecords())
        var header = header
        header.batchLength = Int32(
            RecordBatchHeader.byteCount - RecordBatchHeader.lengthEnd + payload.count
        )
        header.recordCount = Int32(records.count)
        header.lastOffsetDelta = Int32(records.count) - 1
        header.baseTimestamp = records.first?.timestamp ?? 0
        header.maxTimestamp = records.map(\.timestamp).max() ?? 0
        var bytes = [UInt8](repeating: 0, count: RecordBatchHeader.byteCount) + payload
        bytes.withUnsafeMutableBytes { bytes in
            header.write(to: bytes)
            let covered = UnsafeRawBufferPointer(bytes)[RecordBatchHeader.checksumStart...]
            header.checksum = checksum(UnsafeRawBufferPointer(rebasing: covered))
            header.write(to: bytes)
        }
        return bytes
    }
}

extension WireWriter {
    /// Writes a number as the records in a batch have them: zigzag, low bits first.
    fileprivate mutating func varint(_ value: Int64) {
        unsignedVarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Writes a length and as many bytes; -1 for nil.
    fileprivate mutating func field(_ bytes: [UInt8]?) {
        varint(Int64(bytes?.count ?? -1))
        raw(bytes ?? [])
    }
}
