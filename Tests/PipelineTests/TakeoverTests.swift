import Foundation
import ModelStore
import Streaming
import Testing

@testable import Pipeline

/// A trainer and what others have written to `model-updates` before it, or write beside it.
@Suite struct TakeoverTests {
    private let updates = TopicPartition(topic: "model-updates", partition: 0)

    @Test func `a store that is behind the topic is refused before anything is written`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        let copy = scene.directory + "-copy"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try FileManager.default.copyItem(atPath: scene.directory, toPath: copy)
        try scene.trainer().run()
        let before = scene.log.values(of: updates)
        let older = try ModelStore(directory: copy)
        // However often it is tried: no epoch is taken.
        for _ in 0..<3 {
            let error = #expect(throws: PipelineError.self) {
                try scene.trainer(store: older).run()
            }
            #expect(error?.message.contains("of epoch 2") == true)
            #expect(error?.message.contains("is at epoch 1: the store is an older copy") == true)
        }
        #expect(scene.log.values(of: updates) == before)
        #expect(try older.currentEpoch(model: "test") == 1)
        try scene.trainer().run()
    }

    @Test func `another store, also an empty one, does not go on with the model`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        let other = try Scene(time: 6000)
        let error = #expect(throws: PipelineError.self) {
            try scene.trainer(store: other.store).run()
        }
        #expect(error?.message.contains("has no version of it") == true)
        // A store that has got further with the same model on another cluster is still another.
        try other.send(events: 0..<10)
        for _ in 0..<3 { try other.trainer().run() }
        let further = #expect(throws: PipelineError.self) {
            try scene.trainer(store: other.store).run()
        }
        #expect(further?.message.contains("a trainer with another store wrote it") == true)
    }

    @Test func `a topic that retention has emptied is no reason to refuse`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        let emptied = MemoryLog(["model-updates": 1])
        let connection = UpdatesConnection(
            openSink: { emptied.sink(transactionalID: "freshet-trainer-test") },
            openSource: { emptied.source(["model-updates"]) }
        )
        try scene.trainer(updates: connection).run()
        #expect(emptied.values(of: updates).count == 1)
    }

    @Test func `learning goes on while an update is being committed`() throws {
        let scene = try Scene()
        let gate = Gate()
        let log = scene.log
        let connection = UpdatesConnection(
            openSink: {
                FailingTransactions(log.sink(transactionalID: "freshet-trainer-test")) { call in
                    call == .commit ? gate.failure : nil
                }
            },
            openSource: { log.source(["model-updates"]) }
        )
        let (stop, board) = (StopSignal(), Board(TrainerStatus()))
        let thread = WorkerThread(name: "trainer") {
            try? scene.trainer(updates: connection, stopsAtEnd: false, stop: stop, board: board)
                .run()
        }
        try scene.send(events: 0..<50)
        try waitUntil("the first events are learned") { board.current.eventCount == 50 }
        let sequence = board.current.sequence
        try scene.send(events: 50..<300)
        try waitUntil("all events are learned") { board.current.eventCount == 300 }
        #expect(board.current.sequence == sequence)
        #expect(scene.log.values(of: updates).isEmpty)
        gate.open()
        stop.set()
        thread.join()
        let version = try #require(try scene.store.newestVersion(of: "test"))
        #expect(version.eventCount == 300)
        #expect(scene.log.values(of: updates).count == Int(board.current.sequence))
    }

    /// Holds commits up until it is opened.
    private final class Gate: Sendable {
        private let signal = StopSignal()

        /// What a commit ends with; nil once it is open.
        var failure: StreamError? {
            guard !signal.isSet else { return nil }
            Thread.sleep(forTimeInterval: 0.002)
            return StreamError(.timedOut, "slow", remedy: "wait", isRetriable: true)
        }

        func open() { signal.set() }
    }
}
