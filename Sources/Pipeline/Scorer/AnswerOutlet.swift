public import Streaming

/// How often a request may be answered when something is killed, and where answers go.
public enum AnswerDelivery {
    /// At least once: answers are written as they come, then how far requests are answered.
    case atLeastOnce(any RecordSink)
    /// Exactly once, for readers of committed records: both in one transaction.
    case exactlyOnce(AnswerTransactions)
}

/// The way to transactions of a scorer.
public struct AnswerTransactions {
    /// Names the scorer among those of its group; the sinks' transactional id is made of both.
    public var instance: String
    /// How long the broker lets a transaction last.
    public var timeout: Duration
    /// Opens a sink, which fences those opened before.
    public var openSink: () throws(StreamError) -> any TransactionalSink

    /// Describes the way.
    public init(
        instance: String,
        timeout: Duration,
        openSink: @escaping () throws(StreamError) -> any TransactionalSink
    ) {
        self.instance = instance
        self.timeout = timeout
        self.openSink = openSink
    }
}

/// What a batch of requests led to.
struct AnsweredBatch {
    /// Answers and dead letters.
    var records: [OutgoingRecord] = []
    var counts = AnswerCounts()
    /// From the first request of each partition to the one after its last.
    var spans: [TopicPartition: Range<Offset>] = [:]
    /// Whether more requests wait, most likely.
    var isFull = false

    /// What was read.
    static func spans(
        of batch: borrowing RecordBatch,
        topics: [String]
    ) -> [TopicPartition: Range<Offset>] {
        var spans: [TopicPartition: Range<Offset>] = [:]
        for record in batch.records {
            let partition = TopicPartition(
                topic: topics[Int(record.topicIndex)],
                partition: record.partition
            )
            let known = spans[partition] ?? record.offset..<record.offset + 1
            spans[partition] =
                min(known.lowerBound, record.offset)..<max(known.upperBound, record.offset + 1)
        }
        return spans
    }
}

/// Requests that were answered and refused.
struct AnswerCounts {
    var answered: Int64 = 0
    var refused: Int64 = 0

    static func += (sum: inout AnswerCounts, part: AnswerCounts) {
        sum.answered += part.answered
        sum.refused += part.refused
    }
}

/// Where a scorer's answers go, and what keeps track of how far requests are answered.
///
/// Owned by the scorer's thread.
protocol AnswerOutlet: AnyObject {
    /// Whether requests are to be read.
    var wantsRequests: Bool { get }

    /// Whether what is read is to be answered; otherwise it is given to `skip` and comes again.
    var takesAnswers: Bool { get }

    var counts: AnswerCounts { get }

    /// Takes note that these partitions of the requests went to another member of the group.
    ///
    /// The batch that was read at the same moment may hold some of their requests.
    func requestsMoved(_ partitions: [TopicPartition])

    func send(_ batch: AnsweredBatch) throws(PipelineError)

    /// Leaves requests that were read for later.
    func skip(_ spans: [TopicPartition: Range<Offset>])

    /// Does what is due, once per turn of the loop; may block for a second.
    func step(_ requests: (any GroupSource)?) throws(PipelineError)

    /// Brings to an end what was sent; blocks for up to 10 s.
    func finish(_ requests: (any GroupSource)?) throws(PipelineError)
}
