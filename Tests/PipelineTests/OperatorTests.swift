import ModelStore
import Recommendation
import Streaming
import Testing

@testable import Pipeline

/// What a trainer does when an operator acts on its model in the store.
@Suite struct OperatorTests {
    @Test func `after a rollback a running trainer goes on from that version, without stopping`()
        throws
    {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        let target = try #require(try scene.store.newestVersion(of: "test"))
        let (stop, board) = (StopSignal(), Board(TrainerStatus()))
        let outcome = Board<PipelineError?>(nil)
        let thread = WorkerThread(name: "trainer") {
            do {
                try scene.trainer(stopsAtEnd: false, stop: stop, board: board).run()
            } catch {
                outcome.post(error as? PipelineError)
            }
        }
        try scene.send(events: 100..<200)
        try waitUntil("more is learned") { board.current.eventCount == 200 }
        let branch = try scene.store.rollback(
            model: "test",
            to: target.number,
            reason: "bad events",
            at: 1
        )
        try scene.send(events: 200..<260)
        try waitUntil("it has recovered and learned on") {
            board.current.epoch == 4 && board.current.eventCount == 160
        }
        stop.set()
        thread.join()
        #expect(outcome.current == nil)
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        #expect(newest.branch == branch.id)
        #expect(newest.eventCount == 160)

        // What was rolled back over is left out for good: the lineage says so, and gives the bytes.
        var fresh = try TrainedModel<ImplicitRecommender>(
            settings: scene.settings,
            duplicateWindow: 1000
        )
        let rebuild = Rebuild(
            try scene.store.lineage(of: newest),
            source: scene.log.source(["interactions"])
        )
        #expect(rebuild.recordCount == 160)
        #expect(try rebuild.run(into: &fresh) == .complete)
        #expect(try scene.hash(of: fresh) == scene.newestHash())
    }

    @Test func `a trainer without events takes up what an operator did within seconds`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        let target = try #require(try scene.store.newestVersion(of: "test"))
        let (stop, board) = (StopSignal(), Board(TrainerStatus()))
        let thread = WorkerThread(name: "trainer") {
            try? scene.trainer(stopsAtEnd: false, stop: stop, board: board).run()
        }
        defer {
            stop.set()
            thread.join()
        }
        try waitUntil("it is live") { board.current.phase == .live }
        let branch = try scene.store.rollback(model: "test", to: target.number, reason: "", at: 1)
        try waitUntil("it has recovered", seconds: 25) {
            board.current.phase == .live && board.current.epoch == 4
        }
        #expect(try scene.store.versions(of: "test").last?.branch == branch.id)
        // So does another trainer end it.
        try scene.trainer().run()
        try waitUntil("it stops", seconds: 25) { thread.isFinished }
    }

    @Test func `users who are to be forgotten are left out of a rebuild`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<200)
        try scene.trainer().run()
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        var segments = try scene.store.lineage(of: newest)
        let hash = try ForgottenUsers.hash(Array("u3".utf8))
        for index in segments.indices { segments[index].withoutUsers = [hash] }
        var model = try TrainedModel<ImplicitRecommender>(
            settings: scene.settings,
            duplicateWindow: 1000
        )
        let rebuild = Rebuild(segments, source: scene.log.source(["interactions"]))
        #expect(try rebuild.run(into: &model) == .complete)

        let without = try Scene()
        let sink = without.log.sink()
        let partition = TopicPartition(topic: "interactions", partition: 0)
        for value in scene.log.values(of: partition) {
            let text = String(decoding: value, as: UTF8.self)
            // An event that takes part in nothing keeps the offsets, on which random numbers depend.
            try without.send(text.contains("\"u3\"") ? "nothing" : text, sink)
        }
        try without.trainer().run()
        #expect(try scene.hash(of: model) == without.newestHash())
        #expect(model.learner.eventCount < 200)
        let other = ForgottenUsers([hash, "garbage"])
        #expect(Array("u3".utf8).withUnsafeBytes { other.contains($0) })
        #expect(!Array("u4".utf8).withUnsafeBytes { other.contains($0) })
    }
}
