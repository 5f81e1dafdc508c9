import KafkaWire
import Synchronization
import Testing

@testable import KafkaBroker

/// What follows from decisions: markers, ends, failures, limits.
struct TransactionCoordinatorTests {
    @Test(arguments: [true, false])
    func `an end is answered when every marker is written and the end is durable`(
        isCommit: Bool
    ) async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(3)
        let producer = try await scene.initialize()
        #expect(await scene.add(partitions, groups: ["g"], producer) == .none)
        #expect(scene.logs.notes.withLock { $0.begun.count } == 3)
        #expect(scene.logs.notes.withLock { $0.begun.values.allSatisfy { $0 == producer } })
        scene.logs.notes.withLock { $0.holdsMarks = true }
        let answer = Mutex<ErrorCode?>(nil)
        scene.beginEnd(isCommit: isCommit, producer) { code in answer.withLock { $0 = code } }
        try await scene.wait { $0?.phase.isPrepared == true }
        #expect(await scene.end(isCommit: isCommit, producer) == .concurrentTransactions)
        #expect(await scene.end(isCommit: !isCommit, producer) == .invalidTransactionState)
        #expect(answer.withLock { $0 } == nil)
        #expect(scene.logs.notes.withLock { $0.groupEnds.isEmpty })
        scene.logs.release()
        try await scene.wait { $0?.phase.isComplete == true }
        #expect(answer.withLock { $0 } == ErrorCode.none)
        #expect(scene.logs.notes.withLock { $0.groupEnds } == [producer.id: isCommit])
        let marker = TransactionMarker(
            producerID: producer.id,
            producerEpoch: producer.epoch,
            isCommit: isCommit,
            coordinatorEpoch: scene.store.startEpoch
        )
        #expect(scene.marks.allSatisfy { $0.marker == marker && !$0.onlyIfOpen })
        #expect(Set(scene.marks.map(\.partition)) == Set(partitions))
        #expect(scene.marks.count == 3)
        #expect(await scene.end(isCommit: isCommit, producer) == .none)
        #expect(scene.marks.count == 3, "a repeated request writes nothing")
    }

    @Test func `a permission is given again, since its answer may have been a failure`()
        async throws
    {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize()
        for _ in 0..<2 {
            scene.logs.notes.withLock { $0.begun = [:] }
            #expect(await scene.add(partitions, producer) == .none)
            #expect(scene.logs.notes.withLock { $0.begun } == [partitions[0]: producer])
        }
    }

    @Test func `a marker that cannot be written is tried again, and only that one`() async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(3)
        let producer = try await scene.initialize()
        #expect(await scene.add(partitions, producer) == .none)
        scene.logs.notes.withLock { $0.failures = [partitions[1]: .kafkaStorageError] }
        #expect(await scene.end(isCommit: true, producer) == .concurrentTransactions)
        #expect(await scene.transaction()?.phase == .prepareCommit)
        scene.logs.notes.withLock { $0.failures = [:] }
        try await scene.wait { $0?.phase == .completeCommit }
        let later = scene.marks.dropFirst(3)
        #expect(!later.isEmpty)
        #expect(later.allSatisfy { $0.partition == partitions[1] && $0.onlyIfOpen })
        #expect(await scene.end(isCommit: true, producer) == .none)
    }

    @Test func `a deleted topic does not hold up a transaction`() async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let gone = try await scene.partitions(1, of: "gone")
        let kept = try await scene.partitions(1, of: "kept")
        let producer = try await scene.initialize()
        #expect(await scene.add(gone + kept, producer) == .none)
        scene.logs.notes.withLock { $0.failures = [gone[0]: .kafkaStorageError] }
        #expect(await scene.end(isCommit: true, producer) == .concurrentTransactions)
        _ = try await scene.store.deleteTopic(gone[0].topic)
        try await scene.wait { $0?.phase == .completeCommit }
        #expect(await scene.add(kept, producer) == .none)
        _ = try await scene.store.deleteTopic(kept[0].topic)
        try await scene.wait { $0?.partitions.isEmpty == true }
        #expect(await scene.end(isCommit: true, producer) == .none)
    }

    @Test func `rule 12: a transaction that takes too long is aborted with the next epoch`()
        async throws
    {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize(timeout: 5_000)
        #expect(await scene.add(partitions, producer) == .none)
        scene.clock.date.withLock { $0 += 5_000 }
        #expect(await scene.transaction()?.phase == .ongoing)
        scene.clock.date.withLock { $0 += 1 }
        try await scene.wait { $0?.phase == .completeAbort }
        #expect(scene.marks.map(\.marker.producerEpoch) == [producer.epoch + 1])
        #expect(scene.marks.map(\.marker.isCommit) == [false])
        #expect(await scene.end(isCommit: true, producer) == .producerFenced)
        #expect(try await scene.initialize() == producer.later(2))
    }

    @Test func `rule 14: an unused transactional id is forgotten`() async throws {
        let scene = try CoordinatorScene { settings in
            settings.sweepInterval = 1
            settings.checkInterval = 1
        }
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let idle = try await scene.initialize("idle")
        let busy = try await scene.initialize("busy", timeout: 900_000)
        scene.clock.date.withLock { $0 += 604_799_999 }
        #expect(await scene.add(partitions, busy, "busy") == .none)
        scene.clock.date.withLock { $0 += 1 }
        try await scene.wait("idle") { $0 == nil }
        #expect(await scene.add(partitions, idle, "idle") == .invalidProducerIDMapping)
        #expect(await scene.transaction("busy")?.phase == .ongoing)
        let again = try await scene.initialize("idle")
        #expect(again.id != idle.id && again.epoch == 0)
        let restarted = try scene.afterCrash(date: 604_800_000 + 1_000_000)
        defer { restarted.stop() }
        #expect(await restarted.transaction("idle")?.producer == again)
    }

    @Test func `there are only so many transactional ids`() async throws {
        let scene = try CoordinatorScene { $0.maximumCount = 2 }
        defer { scene.stop() }
        _ = try await scene.initialize("a")
        _ = try await scene.initialize("b")
        await #expect(throws: ErrorCode.policyViolation) { try await scene.initialize("c") }
        _ = try await scene.initialize("a")
    }

    @Test func `what cannot be stored does not count`() async throws {
        let scene = try CoordinatorScene()
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize()
        scene.store.close(clean: true)
        #expect(await scene.add(partitions, producer) == .coordinatorNotAvailable)
        #expect(await scene.transaction()?.phase == .empty)
        await #expect(throws: ErrorCode.coordinatorNotAvailable) {
            try await scene.initialize("new")
        }
        #expect(await scene.transaction("new") == nil)
        scene.coordinator.stop()
    }

    @Test func `a stop answers whoever waits`() async throws {
        let scene = try CoordinatorScene()
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize()
        #expect(await scene.add(partitions, producer) == .none)
        scene.logs.notes.withLock { $0.holdsMarks = true }
        let answer = Mutex<ErrorCode?>(nil)
        scene.beginEnd(isCommit: true, producer) { code in answer.withLock { $0 = code } }
        try await scene.wait { $0?.phase == .prepareCommit }
        scene.stop()
        #expect(answer.withLock { $0 } == .coordinatorNotAvailable)
        scene.logs.release()
        #expect(await scene.end(isCommit: true, producer) == .coordinatorNotAvailable)
    }

    @Test(arguments: ["", "elsewhere", "afterPrepare:0", "afterPrepare:x", "afterPrepare:1:1"])
    func `a wrong fault point is refused`(setting: String) {
        #expect(throws: BrokerError.self) { try FaultPoint(setting) }
    }

    @Test func `a fault point is set only where it says`() throws {
        let none = try FaultPoint(nil)
        let second = try FaultPoint("betweenMarkers:2")
        for place in FaultPoint.Place.allCases {
            #expect(!none.isSet(place))
            none.reach(place)
            #expect(second.isSet(place) == (place == .betweenMarkers))
        }
        second.reach(.betweenMarkers)
    }
}
