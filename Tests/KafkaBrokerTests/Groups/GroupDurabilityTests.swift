import Foundation
import GRDB
import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// Offsets and generations across restarts, and their ends.
struct GroupDurabilityTests {
    @Test func `rule 16: offsets come back as they were committed`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events", partitions: 2)
        let request = GroupHarness.commit("g", [("events", 0, 42, "note"), ("events", 1, 7, nil)])
        #expect(try await harness.commit(request) == [.none, .none])
        let first = try await harness.committed("g", "events", 0)
        #expect(first.int64("committedOffset") == 42)
        #expect(first.int32("committedLeaderEpoch") == 7)
        #expect(first.optionalString("metadata") == "note")
        let second = try await harness.committed("g", "events", 1)
        #expect(second.optionalString("metadata") == "")
        let missing = try await harness.committed("other", "events", 0)
        #expect(missing.int64("committedOffset") == -1)
        #expect(missing.int32("committedLeaderEpoch") == -1)
        #expect(missing.optionalString("metadata") == "")
        #expect(missing.errorCode() == .none)
    }

    @Test func `rule 16: null topics mean all, and many groups can be asked at once`() async throws
    {
        let harness = try GroupHarness()
        defer { harness.stop() }
        for name in ["b", "a"] { _ = try await harness.store.createTopic(name, partitions: 2) }
        let request = GroupHarness.commit(
            "g",
            [("b", 1, 4, nil), ("b", 0, 3, nil), ("a", 1, 2, nil)]
        )
        _ = try await harness.commit(request)
        let groups = ["g", "h"].map { id in
            var group = Fields()
            group.set("groupId", id)
            group.set("topics", nil as [Fields]?)
            return group
        }
        var fields = Fields()
        fields.set("groups", groups)
        let answer = try await harness.call(.offsetFetch, 8, fields).array("groups")
        let offsets = answer.first?.array("topics").map { topic in
            topic.array("partitions").map { $0.int64("committedOffset") }
        }
        #expect(offsets == [[2], [3, 4]])
        #expect(answer.last?.array("topics").isEmpty == true)
    }

    @Test func `rule 15: bad partitions and long texts are refused one by one`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events")
        let longest = String(repeating: "x", count: 4_096)
        let request = GroupHarness.commit(
            "g",
            [
                ("none", 0, 1, nil), ("events", 1, 1, nil), ("events", -1, 1, nil),
                ("events", 0, 1, longest + "x"), ("events", 0, 8, longest),
            ]
        )
        #expect(
            try await harness.commit(request) == [
                .unknownTopicOrPartition, .unknownTopicOrPartition, .unknownTopicOrPartition,
                .offsetMetadataTooLarge, .none,
            ]
        )
        #expect(try await harness.offset("g", "events", 0) == 8)
    }

    @Test func `rule 15: an acknowledged commit survives a crash`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events")
        for offset in 1...20 as ClosedRange<Int64> {
            let request = GroupHarness.commit("g", [("events", 0, offset, nil)])
            #expect(try await harness.commit(request) == [.none])
        }
        let restarted = try GroupHarness(directory: try harness.directory.snapshot())
        defer { restarted.stop() }
        #expect(try await restarted.offset("g", "events", 0) == 20)
    }

    @Test func `rule 17: after a crash the group goes on without a rebalance`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events")
        let (id, generation) = try await harness.soleMember("g")
        let restarted = try GroupHarness(directory: try harness.directory.snapshot())
        defer { restarted.stop() }
        let member = GroupHarness.member("g", id, generation)
        #expect(try await restarted.call(.heartbeat, 3, member).errorCode() == .none)
        let synced = try await restarted.call(.syncGroup, 3, member)
        #expect(synced.bytes("assignment") == [9, 9])
        let commit = GroupHarness.commit(
            "g",
            member: id,
            generation: generation,
            [("events", 0, 3, nil)]
        )
        #expect(try await restarted.commit(commit) == [.none])
    }

    @Test func `rules 5 and 17: a static member's new id survives a crash before it syncs`()
        async throws
    {
        let harness = try GroupHarness()
        defer { harness.stop() }
        let (old, _) = try await harness.soleMember("g", instance: "i")
        var join = GroupHarness.join("g", instance: "i")
        join.set("protocols", [["name": "sticky", "metadata": .bytes([1])]])
        let joined = try await harness.call(.joinGroup, 5, join)
        let (new, generation) = (joined.string("memberId"), joined.int32("generationId"))
        #expect(new != old)
        let restarted = try GroupHarness(directory: try harness.directory.snapshot())
        defer { restarted.stop() }
        for (id, error) in [(new, ErrorCode.illegalGeneration), (old, .fencedInstanceID)] {
            let member = GroupHarness.member("g", id, generation, instance: "i")
            #expect(try await restarted.call(.heartbeat, 3, member).errorCode() == error)
        }
        join.set("memberId", new)
        let again = try await restarted.call(.joinGroup, 5, join)
        #expect(again.errorCode() == .none)
        #expect(again.string("memberId") == new)
        #expect(again.int32("generationId") == generation)
    }

    @Test func `rule 17: the form in which groups are stored does not change`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        await withCheckedContinuation { done in
            store.writer.submit(completion: { _ in done.resume() }) { rows, _ in
                try rows.execute(
                    sql: """
                        INSERT INTO "group" VALUES ('g', 7, 'consumer', 'range', 'm', '[{
                        "id": "m", "instance": "i", "client": "c", "host": "/h",
                        "sessionTimeout": 6000, "rebalanceTimeout": 9000,
                        "protocols": [{"name": "range", "metadata": "AQID"}],
                        "assignment": "CQk="}]', NULL)
                        """
                )
            }
        }
        let group = try #require(try store.loadGroups().first)
        #expect(group.generation == 7)
        #expect(group.leaderID == "m")
        #expect(group.protocolName == "range")
        let member = try #require(group.members.first)
        #expect(member.instanceID == "i")
        #expect(member.sessionTimeout == 6000)
        #expect(member.metadata(for: "range") == Data([1, 2, 3]))
        #expect(member.assignment == Data([9, 9]))
    }

    @Test func `rule 17: an emptied group keeps generation and offsets`() async throws {
        let directory = TestDirectory()
        let harness = try GroupHarness(directory: directory)
        _ = try await harness.store.createTopic("events")
        let (id, generation) = try await harness.soleMember("g")
        let commit = GroupHarness.commit(
            "g",
            member: id,
            generation: generation,
            [("events", 0, 3, nil)]
        )
        #expect(try await harness.commit(commit) == [.none])
        _ = try await harness.call(.leaveGroup, 1, GroupHarness.leave("g", id))
        harness.stop()
        let restarted = try GroupHarness(directory: directory)
        defer { restarted.stop() }
        #expect(try await restarted.offset("g", "events", 0) == 3)
        let joined = try await restarted.call(.joinGroup, 3, GroupHarness.join("g"))
        #expect(joined.int32("generationId") == generation + 2)
    }

    @Test func `rule 18: a deleted topic's offsets do not come back with its name`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        let topic = try await harness.store.createTopic("events")
        _ = try await harness.commit(GroupHarness.commit("g", [("events", 0, 9, nil)]))
        _ = try await harness.store.deleteTopic(topic.id)
        #expect(try await harness.offset("g", "events", 0) == -1)
        _ = try await harness.store.createTopic("events")
        #expect(try await harness.offset("g", "events", 0) == -1)
        let restarted = try GroupHarness(directory: try harness.directory.snapshot())
        defer { restarted.stop() }
        #expect(try await restarted.offset("g", "events", 0) == -1)
    }

    @Test func `rule 18: old offsets are dropped, and the group after them`() async throws {
        var settings = GroupSettings()
        settings.retentionCheckInterval = 5
        settings.offsetsRetention = 50
        let harness = try GroupHarness(settings: settings)
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events")
        _ = try await harness.commit(GroupHarness.commit("g", [("events", 0, 9, nil)]))
        let limit = ContinuousClock.now + .seconds(120)
        var groups: [Fields] = []
        repeat {
            groups = try await harness.call(.listGroups, 4, Fields()).array("groups")
        } while !groups.isEmpty && ContinuousClock.now < limit
        #expect(groups.isEmpty)
        #expect(try await harness.offset("g", "events", 0) == -1)
        // The deletion of the group is queued before this change.
        _ = try await harness.store.createTopic("other")
        #expect(try harness.store.loadGroups().isEmpty)
    }

    @Test func `rule 21: offsets of a group without members are deleted for good`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        for name in ["events", "other"] { _ = try await harness.store.createTopic(name) }
        let offsets = [("events", Int32(0), Int64(3), nil as String?), ("other", 0, 4, nil)]
        _ = try await harness.commit(GroupHarness.commit("g", offsets))
        let (error, errors) = try await harness.deleteOffsets("g", ["events", "none"])
        #expect(error == .none)
        #expect(errors == [.none, .unknownTopicOrPartition])
        #expect(try await harness.offset("g", "events", 0) == -1)
        let restarted = try GroupHarness(directory: try harness.directory.snapshot())
        defer { restarted.stop() }
        #expect(try await restarted.offset("g", "events", 0) == -1)
        #expect(try await restarted.offset("g", "other", 0) == 4)
    }

    @Test func `rule 21: topics that a consumer reads keep their offsets`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        for name in ["events", "other"] { _ = try await harness.store.createTopic(name) }
        let subscription: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 6] + Array("events".utf8) + [0, 0, 0, 0]
        for (group, type) in [("consumers", "consumer"), ("workers", "connect")] {
            var join = GroupHarness.join(group)
            join.set("protocolType", type)
            join.set("protocols", [["name": "range", "metadata": .bytes(subscription)]])
            let answer = try await harness.call(.joinGroup, 3, join)
            #expect(answer.errorCode() == .none)
        }
        let deleted = try await harness.deleteOffsets("consumers", ["events", "other"])
        #expect(deleted.partitions == [.groupSubscribedToTopic, .none])
        #expect(try await harness.deleteOffsets("workers", ["other"]).group == .nonEmptyGroup)
        #expect(try await harness.deleteOffsets("none", ["other"]).group == .groupIDNotFound)
        #expect(try await harness.deleteOffsets("", ["other"]).group == .invalidGroupID)
        // This member says nothing that can be read, so it may be reading anything.
        _ = try await harness.soleMember("silent")
        let refused = try await harness.deleteOffsets("silent", ["other"])
        #expect(refused.partitions == [.groupSubscribedToTopic])
    }

    @Test(arguments: [[], [0], [0, 0, 0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0, 0, 0, 0]])
    func `rule 21: damaged subscriptions name no topics`(_ bytes: [UInt8]) {
        #expect(ConsumerSubscription.topics(Data(bytes)) == nil)
    }

    @Test(arguments: [
        [0, 0, 0, 1, 0, 2, 0x61], [0, 0, 0x7F, 0xFF, 0xFF, 0xFF], [0, 9, 0, 0, 0, 0],
    ])
    func `rule 21: subscriptions of any length are read safely`(_ bytes: [UInt8]) {
        let topics = ConsumerSubscription.topics(Data(bytes))
        #expect(topics == (bytes.first == 0 && bytes[1] == 9 ? [] : nil))
    }

    @Test func `rule 20: groups are deleted with their offsets unless they have members`()
        async throws
    {
        let harness = try GroupHarness()
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events")
        _ = try await harness.soleMember("busy")
        _ = try await harness.commit(GroupHarness.commit("idle", [("events", 0, 9, nil)]))
        var fields = Fields()
        fields.set("groupsNames", ["busy", "idle", "none"])
        let results = try await harness.call(.deleteGroups, 2, fields).array("results")
        #expect(results.map { $0.string("groupId") } == ["busy", "idle", "none"])
        #expect(results.map { $0.errorCode() } == [.nonEmptyGroup, .none, .groupIDNotFound])
        #expect(try await harness.offset("idle", "events", 0) == -1)
        let restarted = try GroupHarness(directory: try harness.directory.snapshot())
        defer { restarted.stop() }
        #expect(try await restarted.offset("idle", "events", 0) == -1)
    }
}
