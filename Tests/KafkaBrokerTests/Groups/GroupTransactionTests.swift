import Foundation
import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// A coordinator, and producers that commit offsets of its groups in transactions.
struct TransactionHarness {
    let groups: GroupHarness

    init(directory: TestDirectory = TestDirectory()) throws {
        groups = try GroupHarness(directory: directory)
    }

    /// Brings a producer's transaction to a phase, in the store as its coordinator does it.
    func bring(
        _ producer: Int64,
        to phase: TransactionMetadata.Phase,
        groups ids: Set<String> = []
    ) async throws {
        let transaction = TransactionMetadata(
            transactionalID: "tid-\(producer)",
            producer: ProducerIdentity(id: producer, epoch: 3),
            phase: phase,
            groups: ids,
            lastUpdate: 1
        )
        _ = try await withCheckedContinuation { done in
            groups.store.save(transaction) { done.resume(returning: $0) }
        }.get()
    }

    func end(producer: Int64 = 7, isCommit: Bool) async throws {
        try await bring(producer, to: isCommit ? .completeCommit : .completeAbort)
        await withCheckedContinuation { done in
            groups.coordinator.endTransaction(producerID: producer, isCommit: isCommit) {
                done.resume()
            }
        }
    }

    static func commit(
        _ group: String,
        producer: Int64 = 7,
        member: String = "",
        instance: String? = nil,
        generation: Int32 = -1,
        _ offsets: [(topic: String, partition: Int32, offset: Int64)]
    ) -> Fields {
        var fields = GroupHarness.commit(group, offsets.map { ($0, $1, $2, nil) })
        fields["generationIdOrMemberEpoch"] = nil
        fields.set("transactionalId", "tid-\(producer)")
        fields.set("producerId", producer)
        fields.set("producerEpoch", Int16(3))
        fields.set("generationId", generation)
        fields.set("memberId", member)
        fields.set("groupInstanceId", instance)
        return fields
    }

    func commit(_ request: Fields, version: Int16 = 3) async throws -> [ErrorCode] {
        let answer = try await groups.call(.txnOffsetCommit, version, request)
        return answer.array("topics").flatMap { $0.array("partitions").map { $0.errorCode() } }
    }

    /// The offset that a group committed, or the error instead.
    func stableOffset(
        _ group: String,
        _ partition: Int32
    ) async throws -> Swift.Result<Int64, StableOffsetError> {
        let request: Fields = [
            "groupId": .string(group), "requireStable": true,
            "topics": [
                .structure(["name": "events", "partitionIndexes": [.int(Int64(partition))]])
            ],
        ]
        let answer = try await groups.call(.offsetFetch, 7, request)
        let found = try #require(answer.array("topics").first?.array("partitions").first)
        let error = found.errorCode()
        guard error == .none else { return .failure(StableOffsetError(code: error)) }
        return .success(found.int64("committedOffset"))
    }
}

/// Why a stable offset was not given.
struct StableOffsetError: Error, Equatable {
    var code: ErrorCode
    static let unstable = StableOffsetError(code: .unstableOffsetCommit)
}

/// Rule 3.6.8: offsets that are part of a transaction.
struct GroupTransactionTests {
    @Test func `offsets of a transaction count once it is committed, and hold up who wants stable`()
        async throws
    {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["g"])
        _ = try await harness.groups.store.createTopic("events", partitions: 2)
        _ = try await harness.groups.commit(GroupHarness.commit("g", [("events", 0, 5, nil)]))
        let request = TransactionHarness.commit("g", [("events", 0, 9)])
        #expect(try await harness.commit(request) == [.none])
        #expect(try await harness.groups.offset("g", "events", 0) == 5)
        #expect(try await harness.stableOffset("g", 0) == .failure(.unstable))
        #expect(try await harness.stableOffset("g", 1) == .success(-1))
        try await harness.end(producer: 8, isCommit: true)
        #expect(try await harness.stableOffset("g", 0) == .failure(.unstable))
        try await harness.end(isCommit: true)
        #expect(try await harness.stableOffset("g", 0) == .success(9))
        let committed = try await harness.groups.committed("g", "events", 0)
        #expect(committed.int32("committedLeaderEpoch") == 7)
    }

    @Test func `offsets of an aborted transaction are gone`() async throws {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["g"])
        _ = try await harness.groups.store.createTopic("events")
        _ = try await harness.groups.commit(GroupHarness.commit("g", [("events", 0, 5, nil)]))
        _ = try await harness.commit(TransactionHarness.commit("g", [("events", 0, 9)]))
        try await harness.end(isCommit: false)
        #expect(try await harness.stableOffset("g", 0) == .success(5))
    }

    @Test func `each of several transactions holds up its partitions until its own end`()
        async throws
    {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["g"])
        _ = try await harness.groups.store.createTopic("events", partitions: 2)
        _ = try await harness.commit(TransactionHarness.commit("g", [("events", 0, 1)]))
        try await harness.bring(8, to: .ongoing, groups: ["g"])
        let other = TransactionHarness.commit(
            "g",
            producer: 8,
            [("events", 0, 2), ("events", 1, 3)]
        )
        #expect(try await harness.commit(other) == [.none, .none])
        try await harness.end(producer: 8, isCommit: true)
        #expect(try await harness.stableOffset("g", 0) == .failure(.unstable))
        #expect(try await harness.stableOffset("g", 1) == .success(3))
        try await harness.end(isCommit: false)
        #expect(try await harness.stableOffset("g", 0) == .success(2))
    }

    @Test func `pending offsets survive a crash`() async throws {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["g"])
        _ = try await harness.groups.store.createTopic("events")
        _ = try await harness.commit(TransactionHarness.commit("g", [("events", 0, 9)]))
        let snapshot = try harness.groups.directory.snapshot()
        let restarted = try TransactionHarness(directory: snapshot)
        defer { restarted.groups.stop() }
        #expect(try await restarted.groups.offset("g", "events", 0) == -1)
        #expect(try await restarted.stableOffset("g", 0) == .failure(.unstable))
        try await restarted.end(isCommit: true)
        #expect(try await restarted.stableOffset("g", 0) == .success(9))
        let third = try TransactionHarness(directory: restarted.groups.directory.snapshot())
        defer { third.groups.stop() }
        #expect(try await third.stableOffset("g", 0) == .success(9))
    }

    @Test func `what the transaction may not do is not stored`() async throws {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["added"])
        _ = try await harness.groups.store.createTopic("events")
        let offsets: [(String, Int32, Int64)] = [
            ("events", 0, 9), ("none", 0, 9), ("events", 1, 9),
        ]
        #expect(
            try await harness.commit(TransactionHarness.commit("other", offsets)) == [
                .invalidTransactionState, .unknownTopicOrPartition, .unknownTopicOrPartition,
            ]
        )
        #expect(try harness.groups.store.loadGroups().isEmpty)
        let listed = try await harness.groups.call(.listGroups, 4, Fields())
        #expect(listed.array("groups").isEmpty)
        #expect(
            try await harness.commit(TransactionHarness.commit("added", offsets)) == [
                .none, .unknownTopicOrPartition, .unknownTopicOrPartition,
            ]
        )
        #expect(
            try await harness.commit(TransactionHarness.commit("", offsets)) == [
                .invalidGroupID, .invalidGroupID, .invalidGroupID,
            ]
        )
    }

    @Test func `a member that a transaction names is checked, one that it does not name is not`()
        async throws
    {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["g", "h", "static"])
        _ = try await harness.groups.store.createTopic("events")
        let (id, generation) = try await harness.groups.soleMember("g")
        func error(_ member: String, _ generation: Int32, _ instance: String? = nil) async throws
            -> ErrorCode?
        {
            let request = TransactionHarness.commit(
                "g",
                member: member,
                instance: instance,
                generation: generation,
                [("events", 0, 9)]
            )
            return try await harness.commit(request).first
        }
        #expect(try await error(id, generation) == ErrorCode.none)
        #expect(try await error(id, generation - 1) == .illegalGeneration)
        #expect(try await error("ghost", generation) == .unknownMemberID)
        #expect(try await error("", -1) == ErrorCode.none)
        let old = TransactionHarness.commit("g", [("events", 0, 9)])
        #expect(try await harness.commit(old, version: 0) == [.none])
        let unknown = TransactionHarness.commit("h", generation: 1, [("events", 0, 9)])
        #expect(try await harness.commit(unknown) == [.illegalGeneration])
        let joined = try await harness.groups.call(
            .joinGroup,
            5,
            GroupHarness.join("static", instance: "i")
        )
        #expect(joined.errorCode() == .none)
        let fenced = TransactionHarness.commit(
            "static",
            member: "old",
            instance: "i",
            generation: 1,
            [("events", 0, 9)]
        )
        #expect(try await harness.commit(fenced) == [.fencedInstanceID])
    }

    @Test func `a deleted topic takes its pending offsets with it`() async throws {
        let harness = try TransactionHarness()
        defer { harness.groups.stop() }
        try await harness.bring(7, to: .ongoing, groups: ["g"])
        let topic = try await harness.groups.store.createTopic("events")
        _ = try await harness.commit(TransactionHarness.commit("g", [("events", 0, 9)]))
        _ = try await harness.groups.store.deleteTopic(topic.id)
        #expect(try harness.groups.store.loadGroups().map(\.pendingOffsets) == [[:]])
        try await harness.end(isCommit: true)
        #expect(try await harness.groups.offset("g", "events", 0) == -1)
    }

    @Test func `a partition with pending offsets keeps its old offset, and the group stays`() {
        var driver = GroupDriver()
        let key = OffsetKey(topicID: .random(), partition: 0)
        let offset = CommittedOffset(offset: 1, leaderEpoch: 0, metadata: "", date: 0)
        driver.group.apply([(key, offset)])
        driver.group.apply([(key, offset)], producerID: 7)
        #expect(driver.group.expiredOffsets(retention: 1, at: driver.now).isEmpty)
        driver.group.endTransaction(producerID: 7, isCommit: false, at: driver.now)
        #expect(driver.group.expiredOffsets(retention: 1, at: driver.now).count == 1)
        driver.group.offsets = [:]
        driver.group.apply([(key, offset)], producerID: 8)
        #expect(!driver.group.isObsolete)
    }
}
