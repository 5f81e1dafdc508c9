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
    private let openRequests: () throws(StreamError) -> any GroupSource
    /// Nil until there is a model: a member of a group that cannot answer would only take requests
    /// away from those that can.
    private var requests: (any GroupSource)?
    private let outlet: any AnswerOutlet
    private let stop: StopSignal
    private let board: Board<ScorerStatus>
    private let logger: Logger
    private var follower: any Follower<Model>

    /// A scorer that has not begun.
    ///
    /// - Parameters:
    ///   - settings: What it serves.
    ///   - served: Which state of the model answers.
    ///   - requests: Opens where requests come from, already assigned or as member of a group;
    ///     called once there is a model to answer with.
    ///   - delivery: Where answers and dead letters go, and how.
    ///   - store: Where versions are.
    ///   - clock: The time of day, for freshness figures.
    ///   - stop: Set to make `run` finish.
    ///   - board: Where the scorer's status is posted.
    ///   - logger: Where notable events are told.
    public init(
        _ settings: ScorerSettings,
        served: ServedState,
        requests: @escaping () throws(StreamError) -> any GroupSource,
        delivery: AnswerDelivery,
        store: ModelStore,
        clock: WallClock = .system,
        stop: StopSignal,
        board: Board<ScorerStatus> = Board(ScorerStatus()),
        logger: Logger
    ) {
        self.settings = settings
        openRequests = requests
        self.stop = stop
        self.board = board
        self.logger = logger
        let loader = ReplicaLoader<Model>(store: store, model: settings.model, logger: logger)
        follower =
            switch served {
            case .live(let updates):
                UpdateFollower(
                    settings: settings,
                    source: updates,
                    loader: loader,
                    clock: clock,
                    logger: logger
                )
            case .alias(let alias):
                AliasFollower(alias: alias, loader: loader, clock: clock, logger: logger)
            }
        outlet =
            switch delivery {
            case .atLeastOnce(let sink): DeliveredAnswers(settings, sink: sink, logger: logger)
            case .exactlyOnce(let transactions):
                TransactedAnswers(settings, transactions, logger: logger)
            }
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
            try outlet.step(requests)
            if timer.now >= nextReport {
                post()
                nextReport = timer.now + .milliseconds(100)
            }
        }
        try outlet.finish(requests)
        post(stateHash: settings.hashesState ? try stateHash() : nil)
    }

    private func stateHash() throws(PipelineError) -> String? {
        guard let model = follower.serving?.model else { return nil }
        return try store(try WholeState(servedPartOf: model.encode()).hash)
    }

    private func answerBatch() throws(PipelineError) {
        guard let replica = follower.serving, outlet.wantsRequests else {
            Thread.sleep(forTimeInterval: 0.002)  // nothing to answer with, or no room for answers
            return
        }
        let requests = try requestSource()
        let batch = try log(
            try requests.poll(maximumCount: settings.batchSize, timeout: settings.batchWait)
        )
        report(requests.takeNotices())
        guard !batch.records.isEmpty else { return }
        guard outlet.takesAnswers else {
            outlet.skip(AnsweredBatch.spans(of: batch, topics: requests.topics))
            return
        }
        let answers = batch.withEncoded(batch.records.indices) {
            replica.model.answer($0, stamp: replica.stamp(model: settings.model))
        }
        try outlet.send(answered(answers, to: batch, topics: requests.topics))
    }

    /// Key and value of an answer; with headers it stays below the topic's 1 MiB.
    private static var answerByteLimit: Int { 1_000_000 }
    /// Headers of a request that its answer carries again, for correlation ids; larger ones are left
    /// out.
    private static var headerByteLimit: Int { 16 << 10 }

    private func requestSource() throws(PipelineError) -> any GroupSource {
        if let requests { return requests }
        let opened = try log(try openRequests())
        requests = opened
        return opened
    }

    /// The records that a batch's answers make.
    private func answered(
        _ answers: [Answer],
        to batch: borrowing RecordBatch,
        topics: [String]
    ) -> AnsweredBatch {
        var answered = AnsweredBatch()
        answered.spans = AnsweredBatch.spans(of: batch, topics: topics)
        answered.isFull = batch.records.count >= settings.batchSize
        for (index, answer) in answers.enumerated() {
            let record = batch.records[index]
            // The key comes back with the answer, so that both must fit into one record.
            let byteCount = (answer.value?.count ?? 0) + (record.key?.count ?? 0)
            let fits = byteCount <= Self.answerByteLimit
            if let value = answer.value, fits {
                let headers = batch.headers(at: index)
                answered.records.append(
                    OutgoingRecord(
                        topic: settings.answersTopic,
                        key: record.key.map(Array.init),
                        value: value,
                        headers: headers.byteCount <= Self.headerByteLimit ? headers : []
                    )
                )
            }
            let excess = fits ? nil : "the answer has \(byteCount) bytes: ask for less at a time"
            if let refusal = answer.refusal ?? excess {
                answered.records.append(
                    DeadLetters.letter(
                        index,
                        of: batch,
                        topics: topics,
                        reason: refusal,
                        to: settings.deadLettersTopic
                    )
                )
                answered.counts.refused += 1
            } else {
                answered.counts.answered += 1
            }
        }
        return answered
    }

    private func report(_ notices: [StreamNotice]) {
        for notice in notices {
            switch notice {
            case .assigned(let partitions): logger.info("requests of \(partitions) come here")
            case .revoked(let partitions):
                outlet.requestsMoved(partitions)
                logger.info("requests of \(partitions) go elsewhere")
            case .disconnected, .connected, .warning: logger.tell(notice)
            }
        }
    }

    private func post(stateHash: String? = nil) {
        var status = follower.currentStatus()
        status.stateHash = stateHash
        status.answered = outlet.counts.answered
        status.refused = outlet.counts.refused
        board.post(status)
    }
}
