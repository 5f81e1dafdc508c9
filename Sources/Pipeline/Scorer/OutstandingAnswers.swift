import Streaming

/// Batches of requests whose answers are under way, oldest first.
///
/// Requests count as done, and their offsets may be committed, when their answers and those of all
/// earlier batches have been delivered: after a crash what is not done is answered again.
struct OutstandingAnswers {
    private struct Batch {
        var undelivered: Int
        var positions: [TopicPartition: Offset]
    }

    private var batches: [UInt64: Batch] = [:]
    private var oldest = Token.firstAnswer
    private var next = Token.firstAnswer
    private var done: [TopicPartition: Offset] = [:]

    /// Batches not yet done.
    var count: Int { Int(next - oldest) }

    /// The token for the deliveries of the next batch.
    var nextToken: UInt64 { next }

    /// Adds a batch that led to `sendCount` records; `positions` are the offsets after it.
    mutating func add(sendCount: Int, positions: [TopicPartition: Offset]) {
        batches[next] = Batch(undelivered: sendCount, positions: positions)
        next += 1
        settle()
    }

    /// Takes note of one delivered record.
    mutating func delivered(token: UInt64) {
        batches[token]?.undelivered -= 1
        settle()
    }

    private mutating func settle() {
        while let batch = batches[oldest], batch.undelivered <= 0 {
            done.merge(batch.positions) { _, new in new }
            batches[oldest] = nil
            oldest += 1
        }
    }

    /// Leaves partitions to the member that has them now: their positions are not ours to commit.
    mutating func forget(_ partitions: [TopicPartition]) {
        for partition in partitions {
            done[partition] = nil
            for token in oldest..<next { batches[token]?.positions[partition] = nil }
        }
    }

    /// Positions that can be committed and were not returned before.
    mutating func takeDone() -> [TopicPartition: Offset] {
        defer { done.removeAll(keepingCapacity: true) }
        return done
    }
}
