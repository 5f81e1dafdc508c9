import Foundation
import ModelStore
import Streaming
import Testing

@testable import Pipeline

@Suite struct ScorerTests {
    @Test func `a scorer started late answers exactly as one that ran from the start`() throws {
        let scene = try Scene()
        let (stop, early, late) = (StopSignal(), Board(ScorerStatus()), Board(ScorerStatus()))
        let first = scene.startScorer(stop: stop, board: early)
        let (stopTrainer, training) = (StopSignal(), Board(TrainerStatus()))
        let trainer = WorkerThread(name: "trainer") {
            try? scene.trainer(
                stopsAtEnd: false,
                stop: stopTrainer,
                board: training,
                checkpointEvents: 150
            ).run()
        }
        try waitUntil("the early scorer serves") { early.current.isServing }
        try scene.send(events: 0..<200)
        try waitUntil("deltas") {
            early.current.deltasApplied > 0 && training.current.eventCount == 200
        }
        stopTrainer.set()
        trainer.join()
        try scene.send(events: 200..<420)
        try scene.trainer().run()
        let last = try #require(try scene.store.newestVersion(of: "test"))
        try waitUntil("the early scorer has it") { early.current.version == last.number }
        let before = try scene.answers(prefix: "early-")
        stop.set()
        first.join()
        #expect(early.current.deltasApplied > 0)

        let stopLate = StopSignal()
        let second = scene.startScorer(stop: stopLate, board: late)
        try waitUntil("the late scorer has it") {
            late.current.version == last.number && late.current.hash == early.current.hash
        }
        let after = try scene.answers(prefix: "late-")
        stopLate.set()
        second.join()
        #expect(before == after.suffix(23))
        #expect(before.contains { $0.contains("\"score\"") })
    }

    @Test func `an update that was lost is noticed and healed from the newest version`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        try scene.trainer().run()
        let thread = scene.startScorer(stop: stop, board: board)
        try waitUntil("the scorer serves") { board.current.isServing }
        // A delta of the running epoch that skips one sequence.
        let status = board.current
        let lost = try ModelUpdate(
            identity: UpdateIdentity(
                model: "test",
                epoch: status.epoch,
                sequence: status.sequence + 2,
                previous: status.hash,
                watermark: 0,
                position: 0
            ),
            content: .delta([]),
            origin: try #require(try TrainerIdentity.origin(of: "test", in: scene.store))
        )
        for record in UpdateFormat.records(of: lost, topic: "model-updates", partition: 0) {
            try scene.log.sink().send(record, token: 0)
        }
        try waitUntil("the gap is noticed") {
            board.current.faults.gaps >= 1 && board.current.loads >= 2
        }
        // The next trainer's first version makes up for it.
        try scene.send(events: 100..<150)
        try scene.trainer().run()
        let last = try #require(try scene.store.newestVersion(of: "test"))
        try waitUntil("the scorer is in step") {
            board.current.version == last.number && board.current.epoch == last.epoch
        }
        stop.set()
        thread.join()
    }

    @Test func `garbage and updates of a replaced trainer change nothing`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        try scene.trainer().run()
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let thread = scene.startScorer(stop: stop, board: board)
        try waitUntil("the scorer serves") { board.current.isServing }
        let before = board.current
        let zombie = try ModelUpdate(
            identity: UpdateIdentity(
                model: "test",
                epoch: before.epoch - 1,
                sequence: 7,
                previous: before.hash,
                watermark: 0,
                position: 0
            ),
            content: .delta([])
        )
        let sink = scene.log.sink()
        for record in UpdateFormat.records(of: zombie, topic: "model-updates", partition: 0) {
            try sink.send(record, token: 0)
        }
        try sink.send(
            OutgoingRecord(topic: "model-updates", key: Array("test".utf8), value: [1, 2, 3]),
            token: 0
        )
        try waitUntil("both are counted") {
            board.current.faults.zombies >= 1 && board.current.faults.damaged >= 1
        }
        #expect(board.current.hash == before.hash)
        #expect(board.current.version == before.version)
        stop.set()
        thread.join()
    }

    @Test func `a refused request is told to the asker and kept in the dead letters`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<50)
        try scene.trainer().run()
        let sink = scene.log.sink()
        for request in [
            #"{"request":"r1","user":"u1","count":0}"#, "garbage",
            #"{"request":"r3","user":"u1","model":"other"}"#,
        ] {
            try sink.send(OutgoingRecord(topic: "requests", value: Array(request.utf8)), token: 0)
        }
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let thread = scene.startScorer(stop: stop, board: board)
        try waitUntil("three refusals") { board.current.refused == 3 }
        stop.set()
        thread.join()
        let answers = scene.log.values(of: TopicPartition(topic: "answers", partition: 0))
        #expect(answers.count == 2)
        #expect(answers.allSatisfy { String(decoding: $0, as: UTF8.self).contains("\"error\"") })
        #expect(
            scene.log.values(of: TopicPartition(topic: "dead-letters", partition: 0)).count == 3
        )
    }

    @Test func `answers count as done only when all earlier ones were delivered`() {
        let partition = TopicPartition(topic: "requests", partition: 0)
        var outstanding = OutstandingAnswers()
        let first = outstanding.nextToken
        outstanding.add(sendCount: 2, positions: [partition: 10])
        let second = outstanding.nextToken
        outstanding.add(sendCount: 1, positions: [partition: 20])
        outstanding.delivered(token: second)
        outstanding.delivered(token: first)
        #expect(outstanding.takeDone().isEmpty)
        outstanding.delivered(token: first)
        #expect(outstanding.takeDone() == [partition: 20])
        #expect(outstanding.count == 0)
    }
}
