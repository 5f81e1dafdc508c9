import Foundation
import Learning
import Logging
import ModelStore
import Recommendation
import Streaming
import Synchronization

@testable import Pipeline

/// A log in memory, a real model store and a small recommender, for one test.
final class Scene: Sendable {
    let log: MemoryLog
    let store: ModelStore
    let directory: String
    let settings: RecommenderSettings
    /// The time of day, in milliseconds since 1970.
    let time: Int64

    init(inputPartitions: Int32 = 1, time: Int64 = 5000) throws {
        self.time = time
        directory = NSTemporaryDirectory() + "pipeline-" + UUID().uuidString
        store = try ModelStore(directory: directory)
        log = MemoryLog([
            "interactions": inputPartitions, "model-updates": 1, "dead-letters": 1,
            "requests": 1, "answers": 1,
        ])
        var settings = RecommenderSettings()
        settings.factors = 4
        settings.implicit.negatives = 3
        self.settings = settings
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Events that a pure function of their number describes.
    func send(events range: Range<Int>) throws {
        let sink = log.sink()
        for number in range {
            let user = (number &* 7919) % 23
            let item = (number &* 104_729 + user) % 41
            try send(
                #"{"user":"u\#(user)","item":"i\#(item)","timestamp":\#(1000 + number)}"#,
                sink
            )
        }
    }

    func send(_ value: String, _ sink: any RecordSink) throws {
        let key = Array(value.utf8.prefix(14))
        try sink.send(
            OutgoingRecord(
                topic: "interactions",
                key: key,
                value: Array(value.utf8),
                timestamp: 2_000_000
            ),
            token: 0
        )
    }

    /// A trainer of this scene's model; `source` may stand in for the log.
    func trainer(
        source: (any RecordSource)? = nil,
        store: ModelStore? = nil,
        updates: UpdatesConnection? = nil,
        stopsAtEnd: Bool = true,
        stop: StopSignal = StopSignal(),
        board: Board<TrainerStatus> = Board(TrainerStatus()),
        publishInterval: Duration = .zero,
        checkpointEvents: Int64 = 0,
        start: TrainerSettings.Start = .earliest,
        maximumIncrements: Int = 20,
        keptVersions: Int = 10,
        duplicateWindow: Int = 1000
    ) throws -> Trainer<ImplicitRecommender> {
        try Trainer(
            TrainerSettings(
                model: "test",
                inputs: ["interactions"],
                updatesTopic: "model-updates",
                deadLettersTopic: "dead-letters",
                start: start,
                batchSize: 37,
                publishInterval: publishInterval,
                checkpointInterval: .seconds(3600),
                checkpointEvents: checkpointEvents,
                maximumIncrements: maximumIncrements,
                keptVersions: keptVersions,
                duplicateWindow: duplicateWindow,
                stopsAtEnd: stopsAtEnd
            ),
            learnerSettings: settings,
            source: source ?? log.source(["interactions"]),
            sink: log.sink(),
            updates: updates ?? self.updates,
            store: store ?? self.store,
            clock: WallClock { [time] in time },
            stop: stop,
            board: board,
            logger: quiet
        )
    }

    var updates: UpdatesConnection {
        let log = log
        return UpdatesConnection(
            openSink: { log.sink(transactionalID: "freshet-trainer-test") },
            openSource: { log.source(["model-updates"]) }
        )
    }

    var quiet: Logger {
        var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        return logger
    }

    /// Starts a scorer on its own thread.
    ///
    /// What is served and how answers leave is made there: the live model, at least once.
    func startScorer(
        stop: StopSignal = StopSignal(),
        board: Board<ScorerStatus> = Board(ScorerStatus()),
        served: (@Sendable () -> ServedState)? = nil,
        delivery: (@Sendable () -> AnswerDelivery)? = nil,
        failure: Board<PipelineError?> = Board(nil)
    ) -> WorkerThread {
        let scene = self
        return WorkerThread(name: "scorer") {
            let scorer = Scorer<RecommenderModel>(
                ScorerSettings(
                    model: "test",
                    updatesTopic: "model-updates",
                    answersTopic: "answers",
                    deadLettersTopic: "dead-letters"
                ),
                served: served?() ?? .live(updates: scene.log.source(["model-updates"])),
                requests: { () throws(StreamError) in
                    let requests = scene.log.source(["requests"])
                    let partition = TopicPartition(topic: "requests", partition: 0)
                    try requests.assign([partition: scene.log.committedOffsets[partition] ?? 0])
                    return requests
                },
                delivery: delivery?() ?? .atLeastOnce(scene.log.sink()),
                store: scene.store,
                clock: WallClock { 5000 },
                stop: stop,
                board: board,
                logger: scene.quiet
            )
            do throws(PipelineError) {
                try scorer.run()
            } catch {
                failure.post(error)
            }
        }
    }

    /// Asks for every user and waits for the answers; only those to these requests are returned.
    func answers(prefix: String) throws -> [String] {
        let sink = log.sink()
        for user in 0..<23 {
            let value = #"{"request":"\#(prefix)\#(user)","user":"u\#(user)","count":20}"#
            try sink.send(
                OutgoingRecord(topic: "requests", value: Array(value.utf8)),
                token: 0
            )
        }
        let answers = TopicPartition(topic: "answers", partition: 0)
        func found() -> [String] {
            log.values(of: answers).map { String(decoding: $0, as: UTF8.self) }
                .filter { $0.contains("\"\(prefix)") }
        }
        try waitUntil("23 answers") { found().count >= 23 }
        return found().map { $0.replacing(prefix, with: "") }
    }

    /// The hash of the newest version's whole state, which may be in several files.
    func newestHash() throws -> String {
        guard let chain = try store.newestIntact(of: "test", skipping: { _ in }) else {
            return "none"
        }
        let model = try TrainedModel<ImplicitRecommender>(
            chain,
            of: store,
            settings: settings,
            duplicateWindow: nil
        )
        return try hash(of: model)
    }

    /// The hash of a whole state.
    func hash(of model: TrainedModel<ImplicitRecommender>) throws -> String {
        try ContentHash.sha256(
            Safetensors.encode(model.encode(), metadata: CheckpointWriter.wholeFormat)
        )
    }
}

struct TimedOut: Error { let what: String }

/// Waits for a condition with a deadline.
func waitUntil(_ what: String, seconds: Int = 120, _ isTrue: () -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !isTrue() {
        guard ContinuousClock.now < deadline else { throw TimedOut(what: what) }
        Thread.sleep(forTimeInterval: 0.002)
    }
}

/// A source that fails for good after so many records, as a process that is killed.
final class FailingSource: RecordSource {
    private let source: any RecordSource
    private var left: Int

    init(_ source: any RecordSource, after count: Int) {
        self.source = source
        left = count
    }

    var topics: [String] { source.topics }

    func poll(maximumCount: Int, timeout: Duration) throws(StreamError) -> RecordBatch {
        guard left > 0 else {
            throw StreamError(.other, "killed", remedy: "start again", isFatal: true)
        }
        let batch = try source.poll(maximumCount: min(maximumCount, left), timeout: timeout)
        left -= batch.records.count
        return batch
    }

    func assign(_ positions: [TopicPartition: Offset]) throws(StreamError) {
        try source.assign(positions)
    }
    func partitions(of topic: String, timeout: Duration) throws(StreamError) -> [TopicPartition] {
        try source.partitions(of: topic, timeout: timeout)
    }
    func watermarks(
        of partition: TopicPartition,
        timeout: Duration
    ) throws(StreamError) -> (first: Offset, end: Offset) {
        try source.watermarks(of: partition, timeout: timeout)
    }
    func reachedEnd(of partition: TopicPartition) -> Offset? { source.reachedEnd(of: partition) }
    func pause(_ partitions: [TopicPartition]) throws(StreamError) { try source.pause(partitions) }
    func resume(_ partitions: [TopicPartition]) throws(StreamError) {
        try source.resume(partitions)
    }
    func commit(_ positions: [TopicPartition: Offset]) throws(StreamError) {
        try source.commit(positions)
    }
    func takeNotices() -> [StreamNotice] { source.takeNotices() }
}
