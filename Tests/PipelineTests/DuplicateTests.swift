import Learning
import ModelStore
import Recommendation
import Streaming
import Testing

@testable import Pipeline

/// Events that are sent more than once under the same `id`.
@Suite struct DuplicateTests {
    private func event(_ number: Int) -> String {
        let (user, item) = (number &* 7919 % 23, number &* 104_729 % 41)
        let timestamp = 1000 + number
        return
            #"{"user":"u\#(user)","item":"i\#(item)","timestamp":\#(timestamp),"id":"e\#(number)"}"#
    }

    private func send(_ numbers: [Int], to scene: Scene) throws {
        let sink = scene.log.sink()
        for number in numbers { try scene.send(event(number), sink) }
    }

    /// The bytes of a model that has learned these events, and nothing beside.
    private func tensors(_ scene: Scene) throws -> [UInt8] {
        let board = Board(TrainerStatus())
        let trainer = try scene.trainer(board: board)
        try trainer.run()
        return trainer.model.learner.encode().names.flatMap { name in
            trainer.model.learner.encode()[name]?.bytes ?? []
        }
    }

    @Test func `copies within a batch, across batches and across restarts are learned once`()
        throws
    {
        let first = (0..<100).flatMap { [$0, $0] } + Array(20..<60)
        let second = Array(50..<200)
        // The same without copies; what is rejected in their place keeps the offsets, on which
        // random numbers depend.
        let once = try Scene()
        let sink = once.log.sink()
        var seen: Set<Int> = []
        for number in first + second {
            try once.send(seen.insert(number).inserted ? event(number) : "nothing", sink)
        }
        let expected = try tensors(once)

        let scene = try Scene()
        // Batches are of 37: some copies are in the batch of their event.
        try send(first, to: scene)
        let board = Board(TrainerStatus())
        try scene.trainer(board: board).run()
        #expect(board.current.eventCount == 100)
        #expect(board.current.duplicateCount == 140)
        try send(second, to: scene)
        #expect(try tensors(scene) == expected)
        let version = try #require(try scene.store.newestVersion(of: "test"))
        #expect(version.eventCount == 200)
        #expect(version.journalPosition == 390)
        #expect(version.metrics.contains { $0.name == "duplicates" && $0.value == 190 })
    }

    @Test(arguments: [1, 60, 150, 299])
    func `a replay leaves out what was left out before`(after count: Int) throws {
        let numbers = (0..<300).map { $0 % 7 == 3 ? $0 / 2 : $0 }
        let whole = try Scene()
        try send(numbers, to: whole)
        try whole.trainer().run()

        let scene = try Scene()
        try send(numbers, to: scene)
        let source = FailingSource(scene.log.source(["interactions"]), after: count)
        #expect(throws: PipelineError.self) { try scene.trainer(source: source).run() }
        let board = Board(TrainerStatus())
        try scene.trainer(board: board).run()
        #expect(board.current.duplicateCount > 0)
        #expect(try scene.newestHash() == whole.newestHash())
    }

    @Test func `a copy of an event that the window has forgotten is learned again`() throws {
        let scene = try Scene()
        try send(Array(0..<50) + Array(0..<50), to: scene)
        let board = Board(TrainerStatus())
        try scene.trainer(board: board, duplicateWindow: 49).run()
        #expect(board.current.eventCount == 100)
        let off = try Scene()
        try send([1, 1], to: off)
        try off.trainer(board: board, duplicateWindow: 0).run()
        #expect(board.current.eventCount == 2)
    }
}
