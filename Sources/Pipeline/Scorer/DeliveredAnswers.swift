import Logging
import Streaming

/// Answers at least once: offsets of requests are committed when their answers are acknowledged.
final class DeliveredAnswers: AnswerOutlet {
    private let settings: ScorerSettings
    private let sink: any RecordSink
    private let logger: Logger
    private var outstanding = OutstandingAnswers()
    private(set) var counts = AnswerCounts()
    private var nextCommit = ContinuousClock.now

    init(_ settings: ScorerSettings, sink: any RecordSink, logger: Logger) {
        self.settings = settings
        self.sink = sink
        self.logger = logger
    }

    var wantsRequests: Bool { outstanding.count < settings.maximumOutstandingBatches }
    var takesAnswers: Bool { true }

    func requestsMoved(_ partitions: [TopicPartition]) { outstanding.forget(partitions) }

    func send(_ batch: AnsweredBatch) throws(PipelineError) {
        let token = outstanding.nextToken
        for record in batch.records { try log(try sink.send(record, token: token)) }
        counts += batch.counts
        outstanding.add(
            sendCount: batch.records.count,
            positions: batch.spans.mapValues(\.upperBound)
        )
    }

    func skip(_ spans: [TopicPartition: Range<Offset>]) {}

    func step(_ requests: (any GroupSource)?) throws(PipelineError) {
        try takeDeliveries()
        guard ContinuousClock.now >= nextCommit else { return }
        commit(requests)
        nextCommit = .now + .milliseconds(100)
    }

    func finish(_ requests: (any GroupSource)?) throws(PipelineError) {
        _ = try log(try sink.flush(timeout: .seconds(10)))
        try takeDeliveries()
        commit(requests)
    }

    private func takeDeliveries() throws(PipelineError) {
        for delivery in sink.takeDeliveries() {
            if let error = delivery.error {
                throw PipelineError(
                    .log,
                    "an answer could not be written to topic \"\(settings.answersTopic)\": "
                        + error.message,
                    remedy: "check the topic and the broker and start again: requests without a "
                        + "delivered answer are answered again"
                )
            }
            outstanding.delivered(token: delivery.token)
        }
        for notice in sink.takeNotices() { logger.tell(notice) }
    }

    /// Stores how far requests have been answered; a restart goes on from there.
    private func commit(_ requests: (any GroupSource)?) {
        let positions = outstanding.takeDone()
        guard !positions.isEmpty else { return }
        do throws(StreamError) {
            try requests?.commit(positions)
        } catch {
            logger.warning("request offsets not committed, may be answered twice: \(error)")
        }
    }
}
