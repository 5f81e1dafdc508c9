import Foundation
import Learning
import ModelStore
import Recommendation
import Streaming
import Testing

@testable import Pipeline

/// Checkpoints that hold only what changed.
@Suite struct IncrementTests {
    /// A model so large, beside what one run changes, that checkpoints are increments.
    private func largeScene(_ maximumIncrements: Int = 20) throws -> Scene {
        let scene = try Scene()
        let sink = scene.log.sink()
        for number in 0..<6000 {
            try scene.send(
                #"{"user":"user-\#(number)","item":"item-\#(number)","timestamp":\#(number)}"#,
                sink
            )
        }
        try scene.trainer(maximumIncrements: maximumIncrements).run()
        return scene
    }

    private func versions(_ scene: Scene) throws -> [ModelVersion] {
        try scene.store.versions(of: "test")
    }

    @Test func `a version adds to the one before it, and both together are the state`() throws {
        let scene = try largeScene()
        let count = try versions(scene).count
        for round in 0..<5 {
            try scene.send(events: (round * 20)..<(round * 20 + 20))
            try scene.trainer(maximumIncrements: 20).run()
        }
        let versions = try versions(scene)
        let whole = try #require(versions.last { $0.base == nil })
        for version in versions.dropFirst(Int(whole.number)) {
            #expect(version.base == version.number - 1)
            #expect(version.blob.byteCount * 2 < whole.blob.byteCount)
        }
        #expect(versions.dropFirst(count).contains { $0.base != nil })

        var fresh = try TrainedModel<ImplicitRecommender>(
            settings: scene.settings,
            duplicateWindow: 1000
        )
        let newest = try #require(versions.last)
        let rebuild = Rebuild(
            try scene.store.lineage(of: newest),
            source: scene.log.source(["interactions"])
        )
        #expect(try rebuild.run(into: &fresh) == .complete)
        #expect(try scene.hash(of: fresh) == scene.newestHash())
    }

    @Test func `a start is not held up by a whole file, which the next checkpoint writes`() throws {
        let scene = try largeScene(3)
        func run() throws -> [ModelVersion] {
            try scene.trainer(maximumIncrements: 3).run()
            return try scene.store.newestIntact(of: "test", skipping: { _ in }) ?? []
        }
        // Starts that learn nothing add one increment each.
        while try run().count <= 4 {}
        try scene.send(events: 0..<20)
        let count = try versions(scene).count
        #expect(try run().count == 1)
        #expect(try versions(scene)[count].base != nil)
        // However often it starts, there is an end.
        for _ in 0..<15 { #expect(try run().count <= 13) }
    }

    @Test func `a chain ends with a whole file that has the bytes of the state`() throws {
        let scene = try largeScene(3)
        for round in 0..<6 {
            try scene.send(events: (round * 20)..<(round * 20 + 20))
            try scene.trainer(maximumIncrements: 3).run()
        }
        let versions = try versions(scene)
        for version in versions where !version.isPruned {
            #expect(try scene.store.chain(of: version).count <= 5)
        }
        let whole = try #require(versions.dropFirst(3).last { $0.base == nil })
        let model = try TrainedModel<ImplicitRecommender>(
            [whole],
            of: scene.store,
            settings: scene.settings,
            duplicateWindow: nil
        )
        #expect(try scene.hash(of: model) == whole.blob.hash)
    }

    @Test func `a scorer and a trainer go on from increments as from whole files`() throws {
        let scene = try largeScene()
        try scene.send(events: 0..<40)
        try scene.trainer().run()
        #expect(try scene.store.newestVersion(of: "test")?.base != nil)
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let thread = scene.startScorer(stop: stop, board: board)
        try waitUntil("the scorer serves") { board.current.isServing }
        #expect(try scene.answers(prefix: "a-").contains { $0.contains("\"score\"") })
        stop.set()
        thread.join()
    }

    @Test func `a checkpoint is taken in parts while learning goes on`() throws {
        let scene = try largeScene()
        let (stop, board) = (StopSignal(), Board(TrainerStatus()))
        let thread = WorkerThread(name: "trainer") {
            try? scene.trainer(
                stopsAtEnd: false,
                stop: stop,
                board: board,
                checkpointEvents: 50
            ).run()
        }
        try waitUntil("it is live") { board.current.phase == .live }
        let first = board.current.versionsPublished
        for round in 0..<6 {
            try scene.send(events: (round * 60)..<(round * 60 + 60))
            try waitUntil("a version") {
                board.current.eventCount == 6060 + round * 60
            }
        }
        try waitUntil("versions") { board.current.versionsPublished > first }
        stop.set()
        thread.join()
        #expect(board.current.checkpointFailure == nil)
        var fresh = try TrainedModel<ImplicitRecommender>(
            settings: scene.settings,
            duplicateWindow: 1000
        )
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        let rebuild = Rebuild(
            try scene.store.lineage(of: newest),
            source: scene.log.source(["interactions"])
        )
        #expect(try rebuild.run(into: &fresh) == .complete)
        #expect(try scene.hash(of: fresh) == scene.newestHash())
    }

    @Test func `versions that are no longer kept give up their files, and the newest stays whole`()
        throws
    {
        let scene = try largeScene(2)
        for round in 0..<6 {
            try scene.send(events: (round * 20)..<(round * 20 + 20))
            try scene.trainer(maximumIncrements: 2, keptVersions: 2).run()
        }
        let versions = try versions(scene)
        #expect(versions.contains { $0.isPruned })
        #expect(versions.suffix(2).allSatisfy { !$0.isPruned })
        #expect(try scene.newestHash() != "none")
    }

    @Test func `another window of duplicates begins with a whole file`() throws {
        let scene = try largeScene()
        try scene.trainer(duplicateWindow: 7).run()
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        #expect(newest.base == nil)
        try scene.trainer(duplicateWindow: 7).run()
        #expect(try scene.store.newestVersion(of: "test")?.base == newest.number)
    }

    @Test func `a whole file that was damaged meanwhile is made up for from memory`() throws {
        let scene = try largeScene(1)
        let (stop, board) = (StopSignal(), Board(TrainerStatus()))
        let thread = WorkerThread(name: "trainer") {
            try? scene.trainer(
                stopsAtEnd: false,
                stop: stop,
                board: board,
                checkpointEvents: 10,
                maximumIncrements: 1
            ).run()
        }
        try waitUntil("it is live") { board.current.phase == .live }
        let whole = try #require(try versions(scene).last { $0.base == nil })
        let path = scene.store.blobPath(whole.blob)
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[bytes.count / 2] ^= 1
        try FileManager.default.removeItem(atPath: path)
        try bytes.write(to: URL(fileURLWithPath: path))
        var sent = 0
        try waitUntil("a whole version made from memory") {
            try? scene.send(events: sent..<(sent + 20))
            sent += 20
            let newest = try? versions(scene).last
            return newest?.base == nil && (newest?.number ?? 0) > whole.number
        }
        stop.set()
        thread.join()
        #expect(try scene.newestHash() != "none")
        let chain = try scene.store.newestIntact(of: "test", skipping: { _ in })
        #expect(chain?.last?.eventCount == board.current.eventCount)
    }
}
