import Foundation
import ModelStore
import Recommendation
import Streaming
import Synchronization
import Testing

@testable import Pipeline

/// What a scorer serves when updates are not as they should be, and when an alias says what.
@Suite struct FollowerTests {
    /// Something that can be wrong with an update.
    enum Fault: CaseIterable {
        case gap, duplicate, zombie, wrongPredecessor, rival, damaged, refused

        func count(_ faults: UpdateFaults) -> Int64 {
            switch self {
            case .gap: faults.gaps
            case .duplicate: faults.duplicates
            case .zombie: faults.zombies
            case .wrongPredecessor, .rival: faults.wrongPredecessors
            case .damaged: faults.damaged
            case .refused: faults.refused
            }
        }
    }

    /// The records of an update that has this fault for a scorer in this state.
    private func records(of fault: Fault, _ status: ScorerStatus) throws -> [OutgoingRecord] {
        var identity = UpdateIdentity(
            model: "test",
            epoch: status.epoch,
            sequence: status.sequence + 1,
            previous: status.hash,
            watermark: 0,
            position: 0
        )
        switch fault {
        case .gap: identity.sequence += 1
        case .zombie: identity.epoch -= 1
        case .wrongPredecessor: identity.previous = String(repeating: "a", count: 64)
        case .duplicate: identity.sequence -= 1
        case .rival: identity.sequence -= 1
        case .damaged, .refused: break
        }
        // A delta that is no safetensors file.
        let update = try ModelUpdate(identity: identity, content: .delta([1, 2, 3]))
        var records = UpdateFormat.records(of: update, topic: "model-updates", partition: 0)
        if fault == .damaged { records[0].value = [1, 2, 4] }
        return records
    }

    @Test(arguments: Fault.allCases)
    func `a wrong update is counted by its name and changes no answer`(fault: Fault) throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        try scene.trainer().run()  // so that there is an older epoch
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let scorer = scene.startScorer(stop: stop, board: board)
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        try waitUntil("the scorer is in step") {
            board.current.version == newest.number && board.current.sequence > newest.sequence
        }
        let before = board.current
        let expected = try scene.answers(prefix: "before-")
        let sink = scene.log.sink()
        if fault == .duplicate {
            // Reading the log again from its beginning brings all updates once more.
            let old = scene.log.source(["model-updates"])
            let partition = TopicPartition(topic: "model-updates", partition: 0)
            try old.assign([partition: 0])
            let batch = try old.poll(maximumCount: 1000, timeout: .zero)
            for (index, record) in batch.records.enumerated() {
                try sink.send(
                    OutgoingRecord(
                        topic: "model-updates",
                        key: record.key.map(Array.init),
                        value: record.value.map(Array.init),
                        headers: batch.headers(at: index)
                    ),
                    token: 0
                )
            }
        } else {
            for record in try records(of: fault, before) { try sink.send(record, token: 0) }
        }
        try waitUntil("it is counted") { fault.count(board.current.faults) > 0 }
        #expect(try scene.answers(prefix: "after-") == expected)
        #expect(board.current.hash == before.hash)
        #expect(board.current.age == .zero)  // the test's clock stands still
        var others = board.current.faults
        switch fault {
        case .gap: others.gaps = 0
        case .duplicate: (others.duplicates, others.zombies) = (0, 0)
        case .zombie: others.zombies = 0
        case .wrongPredecessor, .rival: others.wrongPredecessors = 0
        case .damaged: others.damaged = 0
        case .refused: others.refused = 0
        }
        #expect(others == UpdateFaults())
        stop.set()
        scorer.join()
    }

    @Test func `a scorer that serves an alias serves its version and moves with it`() throws {
        let scene = try Scene()
        for round in 0..<3 {
            try scene.send(events: (round * 100)..<(round * 100 + 100))
            try scene.trainer().run()
        }
        let versions = try scene.store.versions(of: "test")
        let (old, new) = (versions[0].number, try #require(versions.last).number)
        try scene.store.setAlias("champion", of: "test", to: old, reason: "", at: 0)
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let scorer = scene.startScorer(stop: stop, board: board, served: { .alias("champion") })
        try waitUntil("the alias is served") { board.current.isServing }
        for answer in try scene.answers(prefix: "old-") {
            #expect(answer.contains("\"version\":\(old),"), "\(answer)")
        }
        #expect(board.current.hash == versions[0].updateHash)
        try scene.store.setAlias("champion", of: "test", to: new, reason: "", at: 1)
        try waitUntil("the move is followed") { board.current.version == new }
        for answer in try scene.answers(prefix: "new-") {
            #expect(answer.contains("\"version\":\(new),"), "\(answer)")
        }
        #expect(board.current.deltasApplied == 0)
        #expect(board.current.loads == 2)
        stop.set()
        scorer.join()
    }

    @Test func `an alias that is missing is an error that names it`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        let loader = ReplicaLoader<RecommenderModel>(
            store: scene.store,
            model: "test",
            logger: scene.quiet
        )
        let error = #expect(throws: PipelineError.self) {
            try loader.load(.target(alias: "none", unless: nil))
        }
        #expect(error?.message.contains("no alias \"none\"") == true)
    }

    @Test func `a version that is pruned while it is loaded makes way for the newest`() throws {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer(maximumIncrements: 0).run()
        let first = try #require(try scene.store.newestVersion(of: "test"))
        let found = Mutex<[Int64]>([])
        let loader = ReplicaLoader<RecommenderModel>(
            store: scene.store,
            model: "test",
            logger: scene.quiet,
            onFound: { chain in
                let isFirst = found.withLock { numbers in
                    numbers.append(chain.last?.number ?? 0)
                    return numbers.count == 1
                }
                guard isFirst else { return }
                do {
                    try scene.send(events: 100..<200)
                    try scene.trainer(maximumIncrements: 0).run()
                    _ = try scene.store.prune(model: "test", keep: RetentionPolicy(newest: 1))
                } catch {
                    Issue.record(error)
                }
            }
        )
        let replica = try #require(try loader.load(.newest)).value
        let newest = try #require(try scene.store.newestVersion(of: "test"))
        #expect(try scene.store.version(first.number, of: "test")?.isPruned == true)
        #expect(found.withLock { $0 } == [first.number, newest.number])
        #expect(replica.version == newest.number)
    }
}
