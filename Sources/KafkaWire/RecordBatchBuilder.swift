/// Builds a record batch: the broker's own markers, and what tests send.
///
/// The checksum and the compression come from outside, since this target has no C code.
public struct RecordBatchBuilder: Sendable {
    /// A record to be written.
    public struct Record: Sendable, Equatable {
        /// The key; nil for none.
        public var key: [UInt8]?
        /// The value; nil for none, a tombstone.
        public var value: [UInt8]?
        /// The time in milliseconds since 1970.
        public var timestamp: Int64
        /// Names and values beside the record.
        public var headers: [Header]

        /// Describes a record.
        public init(
            key: [UInt8]? = nil,
            value: [UInt8]?,
            timestamp: Int64 = 0,
            headers: [Header] = []
        ) {
            self.key = key
            self.value = value
            self.timestamp = timestamp
            self.headers = headers
        }
    }

    /// A name and a value beside a record.
    public struct Header: Sendable, Equatable {
        /// The name.
        public var key: String
        /// The value; nil for none.
        public var value: [UInt8]?

        /// Describes a header.
        public init(key: String, value: [UInt8]?) {
            self.key = key
            self.value = value
        }
    }

    /// What the batch says about itself; lengths, counts, times and checksum are set by `build`.
    public var header = RecordBatchHeader()
    /// The records, in order.
    public var records: [Record]

    /// Begins a batch with these records.
    public init(_ records: [Record] = []) { self.records = records }

    /// The records as they are before compression.
    public func encodedRecords() -> [UInt8] {
        var bytes: [UInt8] = []
        let baseTimestamp = records.first?.timestamp ?? 0
        for (index, record) in records.enumerated() {
            var body: [UInt8] = [0]
            Self.append(record.timestamp &- baseTimestamp, to: &body)
            Self.append(Int64(index), to: &body)
            Self.append(record.key, to: &body)
            Self.append(record.value, to: &body)
            Self.append(Int64(record.headers.count), to: &body)
            for header in record.headers {
                Self.append(Array(header.key.utf8), to: &body)
                Self.append(header.value, to: &body)
            }
            Self.append(Int64(body.count), to: &bytes)
            bytes += body
        }
        return bytes
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

    private static func append(_ value: Int64, to bytes: inout [UInt8]) {
        var bits = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while bits >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: bits) | 0x80)
            bits >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: bits))
    }

    private static func append(_ field: [UInt8]?, to bytes: inout [UInt8]) {
        append(Int64(field?.count ?? -1), to: &bytes)
        bytes += field ?? []
    }
}
