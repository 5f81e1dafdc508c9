import KafkaWire
import Synchronization
import Testing

@testable import KafkaBroker

/// Transactions across crashes, and the offsets that wait in them.
struct TransactionRecoveryTests {
    @Test(arguments: [true, false])
    func `rule 11: what was decided before a crash is finished before the broker serves`(
        isCommit: Bool
    ) async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(2)
        let producer = try await scene.initialize()
        #expect(await scene.add(partitions, groups: ["g"], producer) == .none)
        scene.logs.notes.withLock { $0.holdsMarks = true }
        scene.beginEnd(isCommit: isCommit, producer) { _ in }
        try await scene.wait { $0?.phase.isPrepared == true }
        let restarted = try scene.afterCrash()
        defer { restarted.stop() }
        #expect(Set(restarted.marks.map(\.partition)) == Set(partitions))
        #expect(restarted.marks.allSatisfy { $0.marker.isCommit == isCommit && $0.onlyIfOpen })
        #expect(restarted.marks.allSatisfy { $0.marker.producerEpoch == producer.epoch })
        #expect(restarted.logs.notes.withLock { $0.groupEnds } == [producer.id: isCommit])
        let end = await restarted.transaction()?.phase
        #expect(end == (isCommit ? .completeCommit : .completeAbort))
        #expect(await restarted.end(isCommit: isCommit, producer) == .none)
        let later = try restarted.afterCrash()
        defer { later.stop() }
        #expect(later.marks.isEmpty)
        #expect(await later.transaction()?.phase == end)
    }

    @Test func `what is open in a log and unknown here is aborted before the broker serves`()
        async throws
    {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(3)
        let ongoing = try await scene.initialize("ongoing")
        #expect(await scene.add([partitions[0]], ongoing, "ongoing") == .none)
        let ended = try await scene.initialize("ended")
        #expect(await scene.add([partitions[0]], ended, "ended") == .none)
        #expect(await scene.end(isCommit: true, ended, "ended") == .none)
        scene.logs.notes.withLock { $0.holdsMarks = true }
        let decided = try await scene.initialize("decided")
        #expect(await scene.add([partitions[0]], decided, "decided") == .none)
        scene.beginEnd(isCommit: true, decided, "decided") { _ in }
        try await scene.wait("decided") { $0?.phase == .prepareCommit }

        func open(_ id: Int64, _ epoch: Int16, _ partition: Int) -> OpenTransaction {
            let producer = ProducerIdentity(id: id, epoch: epoch)
            return OpenTransaction(
                partition: partitions[partition],
                producer: producer,
                firstOffset: 5
            )
        }
        let known = [open(ongoing.id, ongoing.epoch, 0), open(decided.id, decided.epoch, 0)]
        let unknown = [
            open(12_345, 3, 0),  // Nobody's.
            open(ended.id, ended.epoch, 0),  // Over.
            open(ongoing.id, ongoing.epoch, 1),  // In a partition that does not take part.
            open(decided.id, decided.epoch, 2),
        ]
        let restarted = try scene.afterCrash(open: known + unknown)
        defer { restarted.stop() }
        let aborted = restarted.marks.filter { !$0.marker.isCommit }
        #expect(aborted.map(\.partition) == unknown.map(\.partition))
        #expect(aborted.map(\.marker.producerID) == unknown.map(\.producer.id))
        #expect(aborted.map(\.marker.producerEpoch) == unknown.map(\.producer.epoch))
        #expect(aborted.allSatisfy { $0.onlyIfOpen })
        let committed = restarted.marks.filter(\.marker.isCommit)
        #expect(committed.map(\.marker.producerID) == [decided.id])
        #expect(await restarted.transaction("ongoing")?.phase == .ongoing)
        #expect(restarted.logs.notes.withLock { $0.begun } == [partitions[0]: ongoing])
    }

    @Test func `an earlier epoch's records are no part of an ongoing transaction`() async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let first = try await scene.initialize()
        let second = try await scene.initialize()
        #expect(second.epoch == first.epoch + 1)
        #expect(await scene.add(partitions, second) == .none)
        let left = OpenTransaction(partition: partitions[0], producer: first, firstOffset: 0)
        let restarted = try scene.afterCrash(open: [left])
        defer { restarted.stop() }
        #expect(restarted.marks.map(\.marker.producerEpoch) == [first.epoch])
        #expect(restarted.logs.notes.withLock { $0.begun } == [partitions[0]: second])
    }

    @Test func `a partition where nothing can be aborted does not keep the broker from starting`()
        async throws
    {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partition = try await scene.partitions(1)[0]
        let nobody = ProducerIdentity(id: 12_345, epoch: 3)
        let restarted = try CoordinatorScene(
            scene.directory.snapshot(),
            failures: [partition: .kafkaStorageError],
            open: [OpenTransaction(partition: partition, producer: nobody, firstOffset: 0)]
        )
        defer { restarted.stop() }
        #expect(restarted.marks.count == 1)
        #expect(try await restarted.initialize().epoch == 0)
    }

    @Test func `a partition that fails at start holds up its own transaction only`() async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(2)
        scene.logs.notes.withLock { $0.holdsMarks = true }
        for (id, partition) in zip(["a", "b"], partitions) {
            let producer = try await scene.initialize(id)
            #expect(await scene.add([partition], producer, id) == .none)
            scene.beginEnd(isCommit: true, producer, id) { _ in }
            try await scene.wait(id) { $0?.phase == .prepareCommit }
        }
        let restarted = try CoordinatorScene(
            scene.directory.snapshot(),
            failures: [partitions[0]: .kafkaStorageError]
        )
        defer { restarted.stop() }
        #expect(await restarted.transaction("a")?.phase == .prepareCommit)
        #expect(await restarted.transaction("b")?.phase == .completeCommit)
        restarted.logs.notes.withLock { $0.failures = [:] }
        try await restarted.wait("a") { $0?.phase == .completeCommit }
    }

    @Test func `an open transaction goes on after a crash, and its time too`() async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(2)
        let producer = try await scene.initialize(timeout: 5_000)
        #expect(await scene.add(partitions, groups: ["g"], producer) == .none)
        let before = try #require(await scene.transaction())
        let restarted = try scene.afterCrash(date: 1_005_000)
        defer { restarted.stop() }
        #expect(await restarted.transaction() == before)
        #expect(
            restarted.logs.notes.withLock { $0.begun } == [
                partitions[0]: producer, partitions[1]: producer,
            ]
        )
        #expect(await restarted.add([partitions[0]], producer) == .none)
        restarted.clock.date.withLock { $0 += 1 }
        try await restarted.wait { $0?.phase == .completeAbort }
        #expect(restarted.marks.count == 2)
    }

    @Test func `a clock that is set back gives a transaction its time once more, not for ever`()
        async throws
    {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize(timeout: 5_000)
        #expect(await scene.add(partitions, producer) == .none)
        let restarted = try scene.afterCrash(date: 500_000)
        defer { restarted.stop() }
        restarted.clock.date.withLock { $0 += 5_000 }
        #expect(await restarted.transaction()?.phase == .ongoing)
        restarted.clock.date.withLock { $0 += 1 }
        try await restarted.wait { $0?.phase == .completeAbort }
    }

    @Test func `a topic deleted before a crash is no part of the transaction after it`()
        async throws
    {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let gone = try await scene.partitions(1, of: "gone")
        let kept = try await scene.partitions(1, of: "kept")
        let producer = try await scene.initialize()
        #expect(await scene.add(gone + kept, producer) == .none)
        _ = try await scene.store.deleteTopic(gone[0].topic)
        let restarted = try scene.afterCrash()
        defer { restarted.stop() }
        #expect(await restarted.transaction()?.partitions == Set(kept))
    }

    @Test(arguments: [true, false])
    func `rule 8: offsets wait in the transaction and are committed or dropped with its end`(
        isCommit: Bool
    ) async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize()
        #expect(try await scene.commit(7, partitions[0], producer) == .invalidTransactionState)
        #expect(await scene.add([], groups: ["other"], producer) == .none)
        #expect(try await scene.commit(7, partitions[0], producer) == .invalidTransactionState)
        #expect(await scene.add([], groups: ["g"], producer) == .none)
        #expect(try await scene.commit(7, partitions[0], producer) == .none)
        #expect(try await scene.commit(8, partitions[0], producer) == .none)
        #expect(
            try await scene.commit(9, partitions[0], producer.later()) == .invalidProducerEpoch
        )
        let foreign = ProducerIdentity(id: producer.id + 1, epoch: 0)
        #expect(
            try await scene.commit(9, partitions[0], foreign) == .invalidProducerIDMapping
        )
        #expect(try scene.committed(partitions[0]) == nil)
        #expect(await scene.end(isCommit: isCommit, producer) == .none)
        #expect(try scene.committed(partitions[0]) == (isCommit ? 8 : nil))
        #expect(try await scene.commit(9, partitions[0], producer) == .invalidTransactionState)
        #expect(await scene.add([], groups: ["g"], producer) == .none)
        #expect(await scene.end(isCommit: true, producer) == .none)
        let restarted = try scene.afterCrash()
        defer { restarted.stop() }
        #expect(
            try restarted.committed(partitions[0]) == (isCommit ? 8 : nil),
            "what was dropped does not come back with the next commit"
        )
    }

    @Test func `offsets that come while the end is being written are refused`() async throws {
        let scene = try CoordinatorScene()
        defer { scene.stop() }
        let partitions = try await scene.partitions(1)
        let producer = try await scene.initialize()
        #expect(await scene.add(partitions, groups: ["g"], producer) == .none)
        scene.logs.notes.withLock { $0.holdsMarks = true }
        scene.beginEnd(isCommit: true, producer) { _ in }
        try await scene.wait { $0?.phase == .prepareCommit }
        #expect(try await scene.commit(7, partitions[0], producer) == .concurrentTransactions)
        scene.logs.release()
        try await scene.wait { $0?.phase == .completeCommit }
        #expect(try scene.committed(partitions[0]) == nil)
    }
}

extension CoordinatorScene {
    /// Commits an offset of group "g" within a transaction, as TxnOffsetCommit does.
    fileprivate func commit(
        _ offset: Int64,
        _ partition: PartitionID,
        _ producer: ProducerIdentity
    ) async throws -> ErrorCode {
        let transaction = OffsetTransaction(
            transactionalID: "t",
            producerID: producer.id,
            producerEpoch: producer.epoch
        )
        let key = OffsetKey(topicID: partition.topic, partition: partition.index)
        let value = CommittedOffset(offset: offset, leaderEpoch: 3, metadata: "m", date: 0)
        return try await withCheckedContinuation { done in
            store.commit([(key, value)], ofGroup: "g", in: transaction) {
                done.resume(returning: $0)
            }
        }.get()
    }

    /// The offset of group "g" that counts.
    fileprivate func committed(_ partition: PartitionID) throws -> Int64? {
        let key = OffsetKey(topicID: partition.topic, partition: partition.index)
        return try store.loadGroups().first { $0.id == "g" }?.offsets[key]?.offset
    }
}
