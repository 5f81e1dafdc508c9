// The training loop: poll a batch, decode, learn, journal, publish. One thread owns the trainer and
// everything it holds; only checkpoints are written beside it. State after a prefix of the journal
// is a pure function of that prefix and the log: that makes recovery exact and lineage free.
public import Learning
public import Logging
public import ModelStore
public import Streaming

/// Learns a model from topics, publishes what changed, and writes versions.
public final class Trainer<Model: Learner> {
    let settings: TrainerSettings
    let source: any RecordSource
    let sink: any RecordSink
    let updates: UpdatesConnection
    let modelStore: ModelStore
    let clock: WallClock
    let stop: StopSignal
    let board: Board<TrainerStatus>
    let logger: Logger

    var model: TrainedModel<Model>
    var publisher: UpdatePublisher
    var deadLetters: DeadLetters
    var status = TrainerStatus()
    /// Learned, but not yet journalled; in learning order.
    var unjournalled: [OffsetRange] = []
    /// The branch of the journal that it learns on.
    var branch: Int64 = 0
    /// Length of the journal with all of `unjournalled`.
    var journalPosition: Int64 = 0
    /// Timestamps of events learned since the last delta.
    var unpublishedTimestamps: [Int64] = []
    /// The journal position of the newest version that is complete.
    var checkpointedPosition: Int64 = 0
    /// Why an event was rejected since that was last told.
    var lastRejection: String?
    /// A checkpoint has been begun whose last part has not been taken.
    var isTakingCheckpoint = false
    /// The next part of it is the last, for which all is prepared.
    var isLastPartPrepared = false
    /// The last checkpoint could not be written.
    var owesCheckpoint = false
    /// No checkpoint begins before: a store or a topic that refuses is not asked all the time.
    var earliestCheckpoint = ContinuousClock().now
    let checkpoints: CheckpointWriter

    /// A trainer at the newest version of its model, or at the beginning.
    ///
    /// - Parameters:
    ///   - settings: What it reads and how often it publishes.
    ///   - learnerSettings: The learner's own settings.
    ///   - source: Where events come from; the trainer assigns its partitions.
    ///   - sink: Where dead letters go.
    ///   - updates: How `model-updates` is reached.
    ///   - store: Where versions and the journal are kept.
    ///   - clock: The time of day, for statistics only.
    ///   - stop: Set to make `run` finish.
    ///   - board: Where the trainer's status is posted.
    ///   - recovery: Begun when the process started.
    ///   - logger: Where notable events are told.
    /// - Throws: When the learner refuses its settings.
    public init(
        _ settings: TrainerSettings,
        learnerSettings: Model.Settings,
        source: any RecordSource,
        sink: any RecordSink,
        updates: UpdatesConnection,
        store: ModelStore,
        clock: WallClock = .system,
        stop: StopSignal,
        board: Board<TrainerStatus> = Board(TrainerStatus()),
        recovery: RecoveryTimes = RecoveryTimes(),
        logger: Logger
    ) throws(PipelineError) {
        self.settings = settings
        self.source = source
        self.sink = sink
        self.updates = updates
        modelStore = store
        self.clock = clock
        self.stop = stop
        self.board = board
        self.logger = logger
        status.recovery = recovery
        model = try TrainedModel(
            settings: learnerSettings,
            duplicateWindow: settings.duplicateWindow
        )
        publisher = UpdatePublisher(
            TrainerIdentity(
                model: settings.model,
                epoch: 0,
                log: settings.updatesLog,
                modelStore: store
            ),
            start: 0,
            watermark: -1,
            position: 0
        )
        deadLetters = DeadLetters(topic: settings.deadLettersTopic, sink: sink)
        checkpoints = CheckpointWriter(
            store: store,
            maximumIncrements: settings.maximumIncrements,
            retention: RetentionPolicy(newest: settings.keptVersions),
            logger: logger
        )
    }

    /// Recovers, learns until told to stop (or, if so set, to the end of the log), and leaves a
    /// last checkpoint.
    ///
    /// After an operator's action (a rollback, a rebuilt version) it recovers again, on the new
    /// branch. Blocks the calling thread, which must be the trainer's own.
    public func run() throws(PipelineError) {
        defer {
            publisher.close()
            status.phase = .stopped
            post()
        }
        while true {
            do throws(PipelineError) {
                return try runEpoch()
            } catch {
                guard error.kind == .fenced else { throw error }
                guard let action = try actionOfOperator() else {
                    // Says it in the same words, whoever noticed first.
                    try publisher.identity.checkEpoch()
                    throw error
                }
                logger.notice(
                    "recovering: an operator's \(action.kind.rawValue) to version \(action.version)"
                )
                try reset()
            }
        }
    }

    private func runEpoch() throws(PipelineError) {
        guard try recover() else { return }
        let end = settings.stopsAtEnd ? try endOfInputs() : nil
        status.phase = .live
        post()
        try learnLive(until: end)
        status.phase = .finishing
        try publish(all: true)
        try finishCheckpoint(wait: true)
        if journalPosition != checkpointedPosition || owesCheckpoint { try checkpointNow() }
        try drain()
    }

    /// What an operator did to end this trainer's epoch; nil when a trainer has begun the next.
    private func actionOfOperator() throws(PipelineError) -> OperatorAction? {
        guard case .operator(let action) = try store(try modelStore.epochTaker(of: settings.model))
        else { return nil }
        return action
    }

    /// Forgets all that was learned: what is journalled on the new branch is learned again, and what
    /// is not is read again.
    private func reset() throws(PipelineError) {
        publisher.close()
        finishWriting()
        model = try TrainedModel(
            settings: model.settings,
            duplicateWindow: settings.duplicateWindow
        )
        unjournalled = []
        unpublishedTimestamps = []
        isTakingCheckpoint = false
        isLastPartPrepared = false
        owesCheckpoint = false
        (journalPosition, checkpointedPosition) = (0, 0)
        status.positions = [:]
        status.replayedRecords = 0
        status.recovery = RecoveryTimes()
    }

    private func learnLive(until end: [TopicPartition: Offset]?) throws(PipelineError) {
        let timer = ContinuousClock()
        let begin = timer.now
        defer { status.liveDuration = timer.now - begin }
        var nextPublish = timer.now + settings.publishInterval
        var nextCheckpoint = timer.now + settings.checkpointInterval
        var nextPartitionCheck = timer.now + Self.partitionCheckInterval
        var nextEpochCheck = timer.now + Self.epochCheckInterval
        while !stop.isSet {
            if let end, end.allSatisfy({ hasRead($0.key, to: $0.value) }) { return }
            try learnBatch()
            try publisher.check()
            noteFirstUpdate()
            let now = timer.now
            status.liveDuration = now - begin
            if now >= nextPublish {
                try publish()
                nextPublish = now + settings.publishInterval
            }
            try finishCheckpoint(wait: false)
            if try stepCheckpoint(isDue: isCheckpointDue(now >= nextCheckpoint)) {
                nextCheckpoint = now + settings.checkpointInterval
            }
            if now >= nextEpochCheck {
                // What is journalled meanwhile is refused to an older epoch anyhow.
                if unjournalled.isEmpty { try publisher.identity.checkEpoch() }
                nextEpochCheck = now + Self.epochCheckInterval
            }
            if now >= nextPartitionCheck {
                tellRejections()
                try assignNewPartitions()
                nextPartitionCheck = now + Self.partitionCheckInterval
            }
        }
    }

    /// Whether a partition's records before an offset have been learned.
    ///
    /// The offset before it may be that of no record, such as the end of a transaction.
    private func hasRead(_ partition: TopicPartition, to offset: Offset) -> Bool {
        max(status.positions[partition] ?? 0, source.reachedEnd(of: partition) ?? 0) >= offset
    }

    /// Whether a checkpoint is needed: by time, by events, or because the last one failed.
    private func isCheckpointDue(_ isIntervalOver: Bool) -> Bool {
        let new = journalPosition - checkpointedPosition
        let isFull = settings.checkpointEvents > 0 && new >= settings.checkpointEvents
        let isTime = settings.checkpointInterval > .zero && isIntervalOver && new > 0
        return isTime || isFull || owesCheckpoint
    }

    /// Warns of rejected events, at the first and then once in a while.
    private func tellRejections() {
        guard let reason = lastRejection else { return }
        lastRejection = nil
        logger.warning(
            "\(status.rejectedCount) events so far went to \(settings.deadLettersTopic); one: \(reason)"
        )
    }

    /// How often the inputs are asked for partitions that were added.
    private static var partitionCheckInterval: Duration { .seconds(30) }

    /// How often a trainer without events looks whether another, or an operator, has taken over: one
    /// read of a row.
    private static var epochCheckInterval: Duration { .seconds(1) }

    /// Notes when the scorers have the first changes.
    private func noteFirstUpdate() {
        guard status.recovery.firstUpdate == nil, status.deltasPublished > 0,
            publisher.pendingCount == 0
        else { return }
        status.recovery.sentFirstUpdate()
        logger.info("\(status.recovery.firstText)")
    }

    private func learnBatch() throws(PipelineError) {
        let batch = try log(
            try source.poll(maximumCount: settings.batchSize, timeout: settings.batchWait)
        )
        report(source.takeNotices())
        try learn(batch)
        try takeDeliveries()
    }

    /// Learns the records of a batch in order of partition, notes their offsets for the journal in
    /// that order, and sends those that cannot be decoded to the dead letters.
    private func learn(_ batch: borrowing RecordBatch) throws(PipelineError) {
        let runs = PartitionRuns(batch.records, topics: source.topics, after: status.positions)
        guard !runs.indices.isEmpty else { return }
        let learned = batch.withEncoded(runs.indices) { model.learn($0) }
        for rejection in learned.rejections {
            try deadLetters.send(
                runs.indices[rejection.index],
                of: batch,
                topics: source.topics,
                reason: rejection.reason,
                token: Token.deadLetter
            )
        }
        status.rejectedCount += Int64(learned.rejections.count)
        if let first = learned.rejections.first, lastRejection == nil {
            lastRejection = first.reason
        }
        status.liveRecords += Int64(runs.indices.count)
        if status.recovery.firstEvent == nil { status.recovery.learnedFirstEvent() }
        unjournalled += runs.ranges
        unpublishedTimestamps += learned.timestamps
        for range in runs.ranges {
            let partition = TopicPartition(topic: range.topic, partition: range.partition)
            status.positions[partition] = range.last + 1
            journalPosition += range.count
        }
    }

    func takeDeliveries() throws(PipelineError) {
        for delivery in sink.takeDeliveries() where delivery.token == Token.deadLetter {
            deadLetters.delivered(delivery)
        }
        report(sink.takeNotices())
        try deadLetters.check()
    }

    func report(_ notices: [StreamNotice]) {
        for notice in notices { logger.tell(notice) }
    }

    func post() {
        status.eventCount = model.learner.eventCount
        status.watermark = model.watermark
        status.duplicateCount = model.duplicateCount
        status.metrics = model.metrics
        status.sequence = publisher.sequence
        status.epoch = publisher.identity.epoch
        status.updatesFailure = publisher.trouble
        board.post(status)
    }
}
