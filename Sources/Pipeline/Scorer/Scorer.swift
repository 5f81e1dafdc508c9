// The scoring loop: apply the updates that are there, answer a batch of requests, repeat. One thread
// owns model, sources and sink, so that an update never changes a model under an answer and no lock
// is taken. It learns nothing.
import Foundation
public import Learning
public import Logging
public import ModelStore
public import Streaming

/// Answers requests with a model that follows its trainer live.
public final class Scorer<Model: ServableModel> {
    private let settings: ScorerSettings
    private let openRequests: () throws(StreamError) -> any RecordSource
    /// Nil until there is a model: a member of a group that cannot answer would only take requests
    /// away from those that can.
    private var requests: (any RecordSource)?
    private let sink: any RecordSink
    private let stop: StopSignal
    private let board: Board<ScorerStatus>
    private let logger: Logger
    private var follower: UpdateFollower<Model>
    private var deadLetters: DeadLetters
    private var outstanding = OutstandingAnswers()
    private var answeredCount: Int64 = 0
    private var refusedCount: Int64 = 0

    /// A scorer that has not begun.
    ///
    /// - Parameters:
    ///   - settings: What it serves.
    ///   - updates: Where model updates come from; the scorer assigns its partition.
    ///   - requests: Opens where requests come from, already assigned or as member of a group;
    ///     called once there is a model to answer with.
    ///   - sink: Where answers and dead letters go.
    ///   - store: Where versions are.
    ///   - clock: The time of day, for freshness figures.
    ///   - stop: Set to make `run` finish.
    ///   - board: Where the scorer's status is posted.
    ///   - logger: Where notable events are told.
    public init(
        _ settings: ScorerSettings,
        updates: any RecordSource,
        requests: @escaping () throws(StreamError) -> any RecordSource,
        sink: any RecordSink,
        store: ModelStore,
        clock: WallClock = .system,
        stop: StopSignal,
        board: Board<ScorerStatus> = Board(ScorerStatus()),
        logger: Logger
    ) {
        self.settings = settings
        openRequests = requests
        self.sink = sink
        self.stop = stop
        self.board = board
        self.logger = logger
        follower = UpdateFollower(
            settings: settings,
            source: updates,
            store: store,
            clock: clock,
            logger: logger
        )
        deadLetters = DeadLetters(topic: settings.deadLettersTopic, sink: sink)
    }

    /// Follows and answers until told to stop.
    ///
    /// Blocks the calling thread, which must be the scorer's own.
    public func run() throws(PipelineError) {
        let timer = ContinuousClock()
        var nextReport = timer.now
        while !stop.isSet {
            try follower.step()
            try answerBatch()
            try takeDeliveries()
            if timer.now >= nextReport {
                try commit()
                post()
                nextReport = timer.now + .milliseconds(100)
            }
        }
        _ = try log(try sink.flush(timeout: .seconds(10)))
        try takeDeliveries()
        try commit()
        post()
    }

    private func answerBatch() throws(PipelineError) {
        guard let replica = follower.serving,
            outstanding.count < settings.maximumOutstandingBatches
        else {
            Thread.sleep(forTimeInterval: 0.002)  // nothing to answer with, or no room for answers
            return
        }
        let requests = try requestSource()
        let batch = try log(
            try requests.poll(maximumCount: settings.batchSize, timeout: settings.batchWait)
        )
        report(requests.takeNotices())
        guard !batch.records.isEmpty else { return }
        let encoded = batch.records.map { EncodedEvent($0) }
        let answers = encoded.withUnsafeBufferPointer {
            replica.model.answer($0, stamp: replica.stamp(model: settings.model))
        }
        try send(answers, to: batch, topics: requests.topics)
    }

    /// Key and value of an answer; with headers it stays below the topic's 1 MiB.
    private static var answerByteLimit: Int { 1_000_000 }
    /// Headers of a request that its answer carries again, for correlation ids; larger ones are left
    /// out.
    private static var headerByteLimit: Int { 16 << 10 }

    private func requestSource() throws(PipelineError) -> any RecordSource {
        if let requests { return requests }
        let opened = try log(try openRequests())
        requests = opened
        return opened
    }

    private func send(
        _ answers: [Answer],
        to batch: borrowing RecordBatch,
        topics: [String]
    ) throws(PipelineError) {
        let token = outstanding.nextToken
        var sendCount = 0
        var positions: [TopicPartition: Offset] = [:]
        for (index, answer) in answers.enumerated() {
            let record = batch.records[index]
            // The key comes back with the answer, so that both must fit into one record.
            let byteCount = (answer.value?.count ?? 0) + (record.key?.count ?? 0)
            let fits = byteCount <= Self.answerByteLimit
            if let value = answer.value, fits {
                let headers = batch.headers(at: index)
                let message = OutgoingRecord(
                    topic: settings.answersTopic,
                    key: record.key.map(Array.init),
                    value: value,
                    headers: headers.byteCount <= Self.headerByteLimit ? headers : []
                )
                try log(try sink.send(message, token: token))
                sendCount += 1
            }
            let excess = fits ? nil : "the answer has \(byteCount) bytes: ask for less at a time"
            if let refusal = answer.refusal ?? excess {
                try deadLetters.send(
                    index,
                    of: batch,
                    topics: topics,
                    reason: refusal,
                    token: token
                )
                sendCount += 1
                refusedCount += 1
            } else {
                answeredCount += 1
            }
            let partition = TopicPartition(
                topic: topics[Int(record.topicIndex)],
                partition: record.partition
            )
            positions[partition] = record.offset + 1
        }
        outstanding.add(sendCount: sendCount, positions: positions)
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
        report(sink.takeNotices())
    }

    /// Stores how far requests have been answered; a restart goes on from there.
    private func commit() throws(PipelineError) {
        let positions = outstanding.takeDone()
        guard !positions.isEmpty else { return }
        do throws(StreamError) {
            try requests?.commit(positions)
        } catch {
            logger.warning("request offsets not committed, may be answered twice: \(error)")
        }
    }

    private func report(_ notices: [StreamNotice]) {
        for notice in notices {
            switch notice {
            case .assigned(let partitions): logger.info("requests of \(partitions) come here")
            case .revoked(let partitions):
                outstanding.forget(partitions)
                logger.info("requests of \(partitions) go elsewhere")
            case .disconnected, .connected, .warning: logger.tell(notice)
            }
        }
    }

    private func post() {
        var status = follower.currentStatus()
        status.answered = answeredCount
        status.refused = refusedCount
        board.post(status)
    }
}
