// What is asked of a partition's log, and what it answers.

import KafkaWire
import NIOCore

/// A batch to be appended.
struct AppendRequest: Sendable {
    /// The one batch, as the client sent it; nil if it sent null.
    var records: ByteBuffer?
    /// When to answer: -1 once on stable storage, 0 and 1 once written.
    ///
    /// A batch with a producer id counts as -1 whatever it says.
    var acks: Int16 = -1
    /// Whether the request names a transactional id: only then a transaction's batch is allowed.
    var isTransactional = false
    /// The version of the Produce request, which decides whether zstd is allowed.
    var produceVersion: Int16 = 11
}

/// What became of a batch that is in the log.
struct AppendedBatch: Sendable, Equatable {
    /// The offset of its first record; the original's if the batch is a duplicate.
    var baseOffset: Int64
    /// The time that the broker gave to the records; -1 if they keep the producer's.
    var appendTimestamp: Int64
    /// The first offset in the log.
    var logStartOffset: Int64
}

/// The offsets that describe a log at a moment.
struct LogOffsets: Sendable, Equatable {
    /// The first offset that can be read.
    var logStart: Int64
    /// The offset after the last record that can be read: all that is written, HW = LEO.
    var highWatermark: Int64
    /// The offset before which no transaction is open.
    var lastStable: Int64

    /// The offset after the last record for a reader.
    func end(for isolation: Isolation) -> Int64 {
        isolation == .readCommitted ? lastStable : highWatermark
    }
}

/// Which records a reader wants, as Kafka numbers it.
enum Isolation: Int8, Sendable {
    /// All.
    case readUncommitted = 0
    /// Those of finished transactions.
    case readCommitted = 1
}

/// What a reader wants.
struct ReadRequest: Sendable {
    /// The first offset wanted.
    var offset: Int64
    /// The most bytes wanted.
    var maxByteCount: Int
    /// Whether to return the first batch even if it is larger than that.
    var minOneBatch: Bool
    var isolation = Isolation.readUncommitted
}

/// Whole batches read from a log.
struct LogRead: Sendable {
    /// The batches, one after another, as they are on disk; the first may begin before the offset.
    var records = ByteBuffer()
    /// The offset after them.
    var nextOffset: Int64
    /// The log's offsets when they were read.
    var offsets: LogOffsets
    /// How many bytes had been appended for such a reader, to wait for more.
    var appended: Int64
    /// For a reader of committed records: the aborted transactions in the range.
    ///
    /// nil for all others, whom such a list would confuse.
    var abortedTransactions: [FetchResponse.AbortedTransaction]?
}

/// What a log remembers of a producer.
struct ActiveProducer: Sendable, Equatable {
    var producerID: Int64
    var producerEpoch: Int16
    /// The sequence number of its last record; -1 if it has written nothing but a marker.
    var lastSequence: Int32
    /// The greatest time of its last batch, in milliseconds since 1970; -1 likewise.
    var lastTimestamp: Int64
    /// Where its open transaction begins; nil if it has none.
    var transactionStart: Int64?
}

/// A transaction that has written to a partition and has no marker there.
struct OpenTransaction: Sendable, Equatable {
    var partition: PartitionID
    /// Who wrote it, and in which epoch.
    var producer: ProducerIdentity
    var firstOffset: Int64
}

/// A record found by its time.
struct TimestampedOffset: Sendable, Equatable {
    var offset: Int64
    /// The record's time in milliseconds since 1970.
    var timestamp: Int64
    /// The epoch of its batch.
    var leaderEpoch: Int32
}

/// Which record is looked for.
enum TimestampQuery: Sendable, Equatable {
    /// The first one whose time is not before this, in milliseconds since 1970.
    case atOrAfter(Int64)
    /// The first one of those with the greatest time.
    case greatest
}

/// Where an epoch ends, for clients that check whether their offset survived a crash.
struct EpochEnd: Sendable, Equatable {
    /// The greatest epoch in the log up to the one asked for; -1 if that is from the future.
    var epoch: Int32
    /// The offset after it; -1 likewise.
    var endOffset: Int64
}
