import Foundation
import Learning
import Logging
import ModelStore
import Streaming
import Testing

@testable import Pipeline

/// Headers reach the learner on every way that events take to it.
@Suite struct HeaderTests {
    private let log = MemoryLog([
        "events": 1, "model-updates": 1, "dead-letters": 1, "requests": 1, "answers": 1,
    ])
    private let directory = NSTemporaryDirectory() + "pipeline-" + UUID().uuidString

    /// A hundred events of ten subjects; only their headers say what there is to learn.
    private func send(_ range: Range<Int> = 0..<100) throws {
        let sink = log.sink()
        for number in range {
            try sink.send(
                OutgoingRecord(
                    topic: "events",
                    key: Array("s\(number % 10)".utf8),
                    value: [UInt8(number)],
                    headers: [
                        RecordHeader(name: "other", value: nil),
                        RecordHeader(name: "weight", text: "\(number * 7 + 1)"),
                    ]
                ),
                token: 0
            )
        }
    }

    private func sum(_ range: some Sequence<Int>) -> Int64 {
        range.reduce(0) { $0 &* 31 &+ Int64($1 * 7 + 1) }
    }

    private var quiet: Logger {
        var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        return logger
    }

    private func train(_ store: ModelStore, failingAfter count: Int? = nil) throws {
        let source: any RecordSource = log.source(["events"])
        let log = log
        try Trainer<HeaderLearner>(
            TrainerSettings(
                model: "test",
                inputs: ["events"],
                updatesTopic: "model-updates",
                deadLettersTopic: "dead-letters",
                batchSize: 7,
                publishInterval: .zero,
                checkpointInterval: .seconds(3600),
                stopsAtEnd: true
            ),
            learnerSettings: HeaderLearner.Settings(),
            source: count.map { FailingSource(source, after: $0) } ?? source,
            sink: log.sink(),
            updates: UpdatesConnection(
                openSink: { log.sink(transactionalID: "freshet-trainer-test") },
                openSource: { log.source(["model-updates"]) }
            ),
            store: store,
            stop: StopSignal(),
            logger: quiet
        ).run()
    }

    private func newest(_ store: ModelStore) throws -> NamedTensors {
        let chain = try #require(try store.newestIntact(of: "test", skipping: { _ in }))
        return try TrainedModel<HeaderLearner>(
            chain,
            of: store,
            settings: HeaderLearner.Settings(),
            duplicateWindow: nil
        ).learner.encode()
    }

    private func tensors(_ sum: Int64) -> NamedTensors {
        var tensors = NamedTensors()
        tensors["model.sum"] = Tensor([sum])
        return tensors
    }

    @Test func `headers are learned live, again from the journal, and in a rebuild`() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try ModelStore(directory: directory)
        try send()
        #expect(throws: PipelineError.self) { try train(store, failingAfter: 63) }
        try train(store)
        #expect(try newest(store) == tensors(sum(0..<100)))

        let version = try #require(try store.newestVersion(of: "test"))
        var segments = try store.lineage(of: version)
        let hash = try ForgottenUsers.hash(Array("s3".utf8))
        for index in segments.indices { segments[index].withoutUsers = [hash] }
        var without = try TrainedModel<HeaderLearner>(
            settings: HeaderLearner.Settings(),
            duplicateWindow: 0
        )
        #expect(
            try Rebuild(segments, source: log.source(["events"])).run(into: &without) == .complete
        )
        #expect(without.learner.encode() == tensors(sum((0..<100).filter { $0 % 10 != 3 })))
    }

    @Test func `an event that is refused for its headers is a dead letter with them`() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try log.sink().send(
            OutgoingRecord(
                topic: "events",
                key: [1],
                value: [2, 3],
                headers: [RecordHeader(name: "weight", text: "heavy")]
            ),
            token: 0
        )
        try send(0..<3)
        let store = try ModelStore(directory: directory)
        try train(store)
        #expect(try newest(store) == tensors(sum(0..<3)))
        let letters = TopicPartition(topic: "dead-letters", partition: 0)
        #expect(log.values(of: letters) == [[2, 3]])
        let headers = try #require(log.headers(of: letters).first)
        #expect(headers.first == RecordHeader(name: "weight", text: "heavy"))
        #expect(headers.contains(RecordHeader(name: "reason", text: "no header \"weight\"")))
    }

    @Test func `a model of another kind is neither trained on nor served`() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try ModelStore(directory: directory)
        try train(store)
        var version = try #require(try store.newestVersion(of: "test")).contents
        version.settings = #"{"kind":"soothsayer"}"#
        version.epoch = try store.beginEpoch(model: "test")
        _ = try store.addVersion(version)
        let loader = ReplicaLoader<HeaderLearner.Model>(store: store, model: "test", logger: quiet)
        for attempt in [{ try train(store) }, { _ = try loader.load(.newest) }] {
            let error = #expect(throws: PipelineError.self) { try attempt() }
            #expect(error?.message.contains("is a soothsayer, not a header-sum") == true)
        }
    }

    @Test func `headers of a request reach the model`() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try ModelStore(directory: directory)
        try send(0..<5)
        try train(store)
        let sink = log.sink()
        for number in 0..<3 {
            try sink.send(
                OutgoingRecord(
                    topic: "requests",
                    value: [0],
                    headers: [RecordHeader(name: "echo", text: "e\(number)")]
                ),
                token: 0
            )
        }
        try serve(store, requests: 3)
        let answers = log.values(of: TopicPartition(topic: "answers", partition: 0))
        #expect(
            answers.map { String(decoding: $0, as: UTF8.self) }
                == (0..<3).map { "\(sum(0..<5)) e\($0)" }
        )
    }

    /// Serves until so many requests are answered.
    private func serve(_ store: ModelStore, requests count: Int) throws {
        let stop = StopSignal()
        let (log, quiet) = (log, quiet)
        let thread = WorkerThread(name: "scorer") {
            let scorer = Scorer<HeaderLearner.Model>(
                ScorerSettings(
                    model: "test",
                    updatesTopic: "model-updates",
                    answersTopic: "answers",
                    deadLettersTopic: "dead-letters"
                ),
                served: .live(updates: log.source(["model-updates"])),
                requests: { () throws(StreamError) in
                    let requests = log.source(["requests"])
                    try requests.assign([TopicPartition(topic: "requests", partition: 0): 0])
                    return requests
                },
                delivery: .atLeastOnce(log.sink()),
                store: store,
                stop: stop,
                logger: quiet
            )
            try? scorer.run()
        }
        defer {
            stop.set()
            thread.join()
        }
        let answers = TopicPartition(topic: "answers", partition: 0)
        try waitUntil("answers") { log.values(of: answers).count >= count }
    }
}
