import KafkaSamples
import KafkaWire

@testable import KafkaBroker

/// Batches as clients send them.
enum Sample {
    /// A batch of records with values that tell them apart.
    static func batch(
        _ count: Int = 1,
        valueByteCount: Int = 10,
        timestamps: [Int64]? = nil,
        key: [UInt8]? = [1],
        compression: RecordBatchHeader.Compression = .none,
        seed: Int = 0,
        change: (inout RecordBatchHeader) -> Void = { _ in }
    ) -> [UInt8] {
        var builder = RecordBatchBuilder(
            (0..<(timestamps?.count ?? count)).map { index in
                RecordBatchBuilder.Record(
                    key: key,
                    value: (0..<valueByteCount).map {
                        UInt8(truncatingIfNeeded: $0 &* 7 &+ index &* 13 &+ seed &* 31)
                    },
                    timestamp: timestamps?[index] ?? 1_700_000_000_000 + Int64(index)
                )
            }
        )
        builder.header.attributes = compression.rawValue
        change(&builder.header)
        return builder.build()
    }

    /// A batch of an idempotent producer.
    static func idempotent(
        _ producer: Int64,
        epoch: Int16 = 0,
        sequence: Int32,
        count: Int = 1,
        isTransactional: Bool = false
    ) -> [UInt8] {
        batch(count, seed: Int(sequence)) { header in
            if isTransactional { header.attributes |= 0x10 }
            header.producerID = producer
            header.producerEpoch = epoch
            header.baseSequence = sequence
        }
    }

    /// Changes a header and makes the checksum right again.
    static func changing(
        _ batch: [UInt8],
        _ change: (inout RecordBatchHeader) -> Void
    ) -> [UInt8] {
        var bytes = batch
        bytes.withUnsafeMutableBytes { bytes in
            guard var header = RecordBatchHeader(UnsafeRawBufferPointer(bytes)) else { return }
            change(&header)
            header.write(to: bytes)
            let covered = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[21...])
            header.checksum = CRC32C.checksum(covered)
            header.write(to: bytes)
        }
        return bytes
    }

    static func compress(
        _ bytes: [UInt8],
        _ compression: RecordBatchHeader.Compression
    ) -> [UInt8] {
        Compressed.records(bytes, compression)
    }

    static func xerial(_ bytes: [UInt8]) -> [UInt8] { Compressed.xerial(bytes) }
}
