import Foundation
import ModelStore
import Recommendation
import Streaming
import Testing

@testable import Pipeline

@Suite struct TrainerTests {
    @Test func `every event is learned once, journalled in order, and part of the last version`()
        throws
    {
        let scene = try Scene()
        try scene.send(events: 0..<500)
        let board = Board(TrainerStatus())
        try scene.trainer(board: board).run()
        let version = try #require(try scene.store.newestVersion(of: "test"))
        #expect(version.eventCount == 500)
        #expect(version.journalPosition == 500)
        #expect(version.watermark == 1499)
        #expect(
            version.nextOffsets == [
                OffsetPosition(topic: "interactions", partition: 0, offset: 500)
            ]
        )
        let journal = try scene.store.journal(of: "test", from: 0)
        #expect(journal.map(\.range.first).first == 0)
        #expect(journal.map(\.range.last).last == 499)
        #expect(board.current.eventCount == 500)
        #expect(board.current.rejectedCount == 0)
    }

    @Test func `a second run learns only what came since`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<300)
        try scene.trainer().run()
        try scene.send(events: 300..<500)
        try scene.trainer().run()
        let once = try Scene()
        try once.send(events: 0..<500)
        try once.trainer().run()
        #expect(try scene.newestHash() == once.newestHash())
    }

    @Test(arguments: [1, 36, 37, 38, 250, 499])
    func `a trainer killed anywhere ends with the bytes of one that was not`(after count: Int)
        throws
    {
        let whole = try Scene()
        try whole.send(events: 0..<500)
        try whole.trainer().run()

        let scene = try Scene()
        try scene.send(events: 0..<500)
        let source = FailingSource(scene.log.source(["interactions"]), after: count)
        #expect(throws: PipelineError.self) {
            try scene.trainer(source: source, checkpointEvents: 100).run()
        }
        try scene.trainer().run()
        #expect(try scene.newestHash() == whole.newestHash())
        #expect(try scene.store.newestVersion(of: "test")?.eventCount == 500)
    }

    @Test func `with several partitions, recovery learns in the journal's order`() throws {
        let scene = try Scene(inputPartitions: 3)
        try scene.send(events: 0..<600)
        let source = FailingSource(scene.log.source(["interactions"]), after: 333)
        #expect(throws: PipelineError.self) { try scene.trainer(source: source).run() }
        try scene.trainer().run()
        let last = try #require(try scene.store.newestVersion(of: "test"))
        #expect(last.eventCount == 600)

        // A fresh model that replays the whole journal has the same bytes.
        var fresh = try TrainedModel<ImplicitRecommender>(
            settings: scene.settings,
            duplicateWindow: 1000
        )
        let rebuild = Rebuild(
            try scene.store.lineage(of: last),
            source: scene.log.source(["interactions"]),
            batchSize: 50
        )
        #expect(try rebuild.run(into: &fresh) == .complete)
        #expect(rebuild.recordCount == 600)
        #expect(try scene.hash(of: fresh) == scene.newestHash())
    }

    @Test func `input that cannot be decoded goes to the dead letters with its reason`() throws {
        let scene = try Scene()
        let sink = scene.log.sink()
        try scene.send(events: 0..<3)
        try scene.send("not json", sink)
        try scene.send(#"{"user":"u","item":"i","value":NaN,"timestamp":5}"#, sink)
        try sink.send(OutgoingRecord(topic: "interactions", value: nil), token: 0)
        try scene.send(events: 3..<6)
        let board = Board(TrainerStatus())
        try scene.trainer(board: board).run()
        #expect(board.current.eventCount == 6)
        #expect(board.current.rejectedCount == 3)
        let letters = TopicPartition(topic: "dead-letters", partition: 0)
        #expect(scene.log.values(of: letters).first == Array("not json".utf8))
        let headers = scene.log.headers(of: letters)
        #expect(headers.count == 3)
        let first = Dictionary(
            uniqueKeysWithValues: headers[0].map {
                ($0.name, String(decoding: $0.value ?? [], as: UTF8.self))
            }
        )
        #expect(first["topic"] == "interactions")
        #expect(first["offset"] == "3")
        #expect(first["reason"]?.isEmpty == false)
    }

    @Test func `a start says what took how long until the first event and the first update`()
        throws
    {
        let scene = try Scene()
        func status() throws -> TrainerStatus {
            let board = Board(TrainerStatus())
            try scene.trainer(board: board).run()
            return board.current
        }
        try scene.send(events: 0..<100)
        let first = try status().recovery
        #expect(
            first.steps.map(\.step) == [.updates, .loading, .hashes, .replay, .positions, .version]
        )
        let event = try #require(first.firstEvent)
        #expect(event > first.total)
        #expect(first.steps.reduce(.zero) { $0 + $1.duration } == first.total)
        try scene.send(events: 100..<200)
        let second = try status()
        #expect(
            second.recovery.steps.map(\.step)
                == [.updates, .loading, .hashes, .replay, .positions, .version]
        )
        #expect(second.recovery.firstEvent != nil)
        // Nothing was copied but at start and at the end, when nothing is held up.
        #expect(second.longestPause == .zero)
        #expect(second.checkpointPause > 0)
    }

    @Test func `a trainer stops when a newer one of the same model has begun`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        let (stop, outcome) = (StopSignal(), Board<PipelineError?>(nil))
        let board = Board(TrainerStatus())
        let thread = WorkerThread(name: "older") {
            do {
                try scene.trainer(stopsAtEnd: false, stop: stop, board: board).run()
            } catch {
                outcome.post(error as? PipelineError)
            }
        }
        try waitUntil("the older trainer is live") { board.current.eventCount == 100 }
        try scene.trainer().run()
        try scene.send(events: 100..<110)
        try waitUntil("the older trainer stops") { thread.isFinished }
        #expect(outcome.current?.kind == .fenced)
    }

    @Test func `a log that no longer holds what the model needs is refused`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<50)
        try scene.trainer().run()
        let emptied = MemoryLog(["interactions": 1, "model-updates": 1, "dead-letters": 1])
        #expect(throws: PipelineError.self) {
            try scene.trainer(source: emptied.source(["interactions"])).run()
        }
    }

    @Test func `a damaged newest version is skipped and its events are learned again`() throws {
        let whole = try Scene()
        try whole.send(events: 0..<400)
        try whole.trainer().run()
        let scene = try Scene()
        try scene.send(events: 0..<300)
        try scene.trainer(checkpointEvents: 100).run()
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        let path = scene.store.blobPath(newest.blob)
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[bytes.count / 2] ^= 1
        try FileManager.default.removeItem(atPath: path)
        try bytes.write(to: URL(fileURLWithPath: path))
        try scene.send(events: 300..<400)
        let board = Board(TrainerStatus())
        try scene.trainer(board: board).run()
        #expect(board.current.replayedRecords > 0)
        #expect(try scene.newestHash() == whole.newestHash())
    }

    @Test func `a log that is shorter than the journal is refused, not waited for`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<200)
        let source = FailingSource(scene.log.source(["interactions"]), after: 150)
        #expect(throws: PipelineError.self) { try scene.trainer(source: source).run() }
        let emptied = MemoryLog(["interactions": 1, "model-updates": 1, "dead-letters": 1])
        let error = #expect(throws: PipelineError.self) {
            try scene.trainer(source: emptied.source(["interactions"])).run()
        }
        #expect(error?.message.contains("interactions[0]") == true)
    }

    @Test func `starting with the latest record holds from the first start, not from each`() throws
    {
        let scene = try Scene()
        try scene.send(events: 0..<50)
        let source = FailingSource(scene.log.source(["interactions"]), after: 0)
        #expect(throws: PipelineError.self) {
            try scene.trainer(source: source, stopsAtEnd: false, start: .latest).run()
        }
        try scene.send(events: 50..<80)
        let board = Board(TrainerStatus())
        try scene.trainer(board: board, start: .latest).run()
        #expect(board.current.eventCount == 30)
    }

    @Test func `a record too large for the dead letters is cut, and says so`() throws {
        let scene = try Scene()
        try scene.log.sink().send(
            OutgoingRecord(
                topic: "interactions",
                value: [UInt8](repeating: 120, count: 3_000_000)
            ),
            token: 0
        )
        try scene.trainer().run()
        let letters = TopicPartition(topic: "dead-letters", partition: 0)
        let headers = try #require(scene.log.headers(of: letters).first)
        #expect(headers.contains(RecordHeader(name: "truncated", text: "3000000")))
        #expect(scene.log.values(of: letters).first?.count == 1 << 20)
    }
}
