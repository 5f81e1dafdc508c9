import Foundation
import KafkaClient
import Streaming

/// Reads a topic's committed records from its beginning, again and again up to its end.
///
/// Owned by one thread.
final class ProveReader {
    private let consumer: KafkaConsumer
    private let topic: String
    private let partitions: [TopicPartition]
    private var next: [TopicPartition: Offset] = [:]
    private static let patience = Duration.seconds(60)

    init(_ topic: String, settings: KafkaSettings) throws {
        self.topic = topic
        consumer = try KafkaConsumer(settings, topics: [topic])
        partitions = try consumer.partitions(of: topic, timeout: Self.patience)
        for partition in partitions { next[partition] = 0 }
        try consumer.assign(next)
    }

    /// The end of each partition.
    func ends() throws -> [TopicPartition: Offset] {
        var ends: [TopicPartition: Offset] = [:]
        for partition in partitions {
            ends[partition] = try consumer.watermarks(of: partition, timeout: Self.patience).end
        }
        return ends
    }

    /// Reads what has come since the last call.
    func readToEnd(_ body: (Record, [RecordHeader]) throws -> Void) throws {
        let ends = try ends()
        let deadline = ContinuousClock.now + Self.patience
        while !isAt(ends) {
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .failure,
                    "topic \"\(topic)\" could not be read to its end within 60 s",
                    remedy: "see the broker's log"
                )
            }
            let batch = try consumer.poll(maximumCount: 1000, timeout: .milliseconds(50))
            for (index, record) in batch.records.enumerated() {
                try body(record, batch.headers(at: index))
                next[TopicPartition(topic: topic, partition: record.partition)] = record.offset + 1
            }
        }
    }

    /// Whether all before these offsets has been read; the last offsets may be those of no record.
    private func isAt(_ ends: [TopicPartition: Offset]) -> Bool {
        ends.allSatisfy { partition, end in
            max(next[partition] ?? 0, consumer.reachedEnd(of: partition) ?? 0) >= end
        }
    }

    /// All records, by the number that each carries.
    func records() throws -> [ProveRecord] {
        var found: [ProveRecord] = []
        try readToEnd { record, headers in
            let number = headers.first { $0.name == ProveRecord.numberHeader }?.value
            found.append(
                ProveRecord(
                    number: number.flatMap { Int(String(decoding: $0, as: UTF8.self)) },
                    partition: record.partition,
                    offset: record.offset
                )
            )
        }
        return found
    }
}
