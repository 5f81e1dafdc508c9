import ModelStore
import Streaming

/// A batch in the order in which it is learned: the records of one partition together, and without
/// those that were learned before.
struct PartitionRuns {
    /// Indices into the batch, in learning order.
    private(set) var indices: [Int] = []
    /// What is learned: one range per partition, in the same order.
    private(set) var ranges: [OffsetRange] = []

    /// Orders a batch.
    ///
    /// A record below its partition's position in `positions` is left out.
    init(_ records: [Record], topics: [String], after positions: [TopicPartition: Offset]) {
        indices.reserveCapacity(records.count)
        for run in Self.runs(of: records) {
            let first = records[run.lowerBound]
            let partition = TopicPartition(
                topic: topics[Int(first.topicIndex)],
                partition: first.partition
            )
            let position = positions[partition] ?? 0
            for index in run where records[index].offset >= position {
                indices.append(index)
            }
            guard let last = indices.last, run.contains(last) else { continue }
            let start = run.first { records[$0].offset >= position } ?? last
            append(
                OffsetRange(
                    topic: partition.topic,
                    partition: partition.partition,
                    first: records[start].offset,
                    last: records[last].offset
                )
            )
        }
    }

    /// Stretches of records of one partition, those of the same partition next to each other.
    private static func runs(of records: [Record]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        for index in records.indices.dropFirst()
        where key(of: records[index]) != key(of: records[start]) {
            runs.append(start..<index)
            start = index
        }
        if !records.isEmpty { runs.append(start..<records.count) }
        return runs.sorted { left, right in
            let leftKey = key(of: records[left.lowerBound])
            let rightKey = key(of: records[right.lowerBound])
            return (leftKey, left.lowerBound) < (rightKey, right.lowerBound)
        }
    }

    /// Topic and partition in one number.
    private static func key(of record: Record) -> Int64 {
        Int64(record.topicIndex) << 32 | Int64(record.partition)
    }

    private mutating func append(_ range: OffsetRange) {
        if let last = ranges.last, last.topic == range.topic, last.partition == range.partition {
            ranges[ranges.count - 1].last = range.last
        } else {
            ranges.append(range)
        }
    }
}
