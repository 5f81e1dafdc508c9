import CKernels
package import KafkaWire

/// Builds a record batch as clients send it.
package struct RecordBatchBuilder: Sendable {
    /// A record to be written.
    package struct Record: Sendable {
        let key: [UInt8]?
        let value: [UInt8]?
        let timestamp: Int64
        let headers: [(key: String, value: [UInt8]?)]

        /// Describes a record; nil is no key, no value.
        package init(
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
    package var header = RecordBatchHeader()
    private let records: [Record]

    /// Begins a batch with these records.
    package init(_ records: [Record]) { self.records = records }

    /// The records as they are before compression.
    package func encodedRecords() -> [UInt8] {
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

    /// Writes the batch; compresses the records as its header says, unless told how.
    package func build(compress: (([UInt8]) -> [UInt8])? = nil) -> [UInt8] {
        let records = encodedRecords()
        let payload = compress?(records) ?? Compressed.records(records, header.compression ?? .none)
        return filledIn.batch(of: payload)
    }

    private var filledIn: RecordBatchHeader {
        var header = header
        header.recordCount = Int32(records.count)
        header.lastOffsetDelta = Int32(records.count) - 1
        header.baseTimestamp = records.first?.timestamp ?? 0
        header.maxTimestamp = records.map(\.timestamp).max() ?? 0
        return header
    }
}

extension RecordBatchHeader {
    /// The batch of this header and whatever comes behind it, with its length and a right checksum.
    package func batch(of payload: [UInt8]) -> [UInt8] {
        var header = self
        header.batchLength = Int32(Self.byteCount - 12 + payload.count)
        var bytes = [UInt8](repeating: 0, count: Self.byteCount) + payload
        bytes.withUnsafeMutableBytes { bytes in
            header.write(to: bytes)
            let covered = UnsafeMutableRawBufferPointer(rebasing: bytes[Self.checksumStart...])
            header.checksum = ck_crc32c(0, covered.baseAddress, covered.count)
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
