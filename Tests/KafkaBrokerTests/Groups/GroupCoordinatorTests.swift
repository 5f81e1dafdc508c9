import Foundation
import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// The coordinator with its thread and a real store.
struct GroupCoordinatorTests {
    @Test func `every version of every API answers until the end, and is refused after it`()
        async throws
    {
        let harness = try GroupHarness()
        _ = try await harness.store.createTopic("events")
        for isStopped in [false, true] {
            for key in GroupCoordinator.apis.keys {
                let schema = try #require(MessageSchema.of(key))
                for version in schema.versions {
                    do {
                        try await sendMinimal(harness, key, version)
                        #expect(!isStopped)
                    } catch let error as BrokerError {
                        #expect(isStopped && error.kind == .closed)
                    }
                }
            }
            harness.stop()
        }
    }

    private func sendMinimal(
        _ harness: GroupHarness,
        _ key: APIKey,
        _ version: Int16
    ) async throws {
        var fields = Fields()
        switch key {
        case .joinGroup: fields = GroupHarness.join("group-\(version)")
        case .offsetCommit: fields = GroupHarness.commit("group", [("events", 0, 1, nil)])
        case .describeGroups: fields.set("groups", ["group", "none"])
        case .deleteGroups: fields.set("groupsNames", ["none"])
        case .offsetFetch:
            var topic = Fields()
            topic.set("name", "events")
            topic.set("partitionIndexes", [0] as [Int32])
            fields.set("groupId", "group")
            fields.set("topics", [topic])
            var group = Fields()
            group.set("groupId", "group")
            group.set("topics", version >= 8 ? [topic] : nil)
            fields.set("groups", [group])
        case .listGroups: break
        case .txnOffsetCommit:
            fields = TransactionHarness.commit("group", [("events", 0, 1)])
        default: fields.set("groupId", "group")
        }
        _ = try await harness.call(key, version, fields)
    }

    @Test func `rule 1: an empty group id is refused by members' requests`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        for key in [APIKey.joinGroup, .syncGroup, .heartbeat, .leaveGroup] {
            let answer = try await harness.call(key, 3, Fields())
            #expect(answer.errorCode() == .invalidGroupID)
        }
        _ = try await harness.store.createTopic("events")
        #expect(
            try await harness.commit(GroupHarness.commit("", [("events", 0, 5, nil)])) == [.none]
        )
        #expect(try await harness.offset("", "events", 0) == 5)
    }

    @Test func `rule 3: unknown groups`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        let join = try await harness.call(.joinGroup, 5, GroupHarness.join("g", member: "m"))
        #expect(join.errorCode() == .unknownMemberID)
        for key in [APIKey.syncGroup, .heartbeat] {
            let answer = try await harness.call(key, 3, GroupHarness.member("g", "m", 1))
            #expect(answer.errorCode() == .unknownMemberID)
        }
        let leave = try await harness.call(.leaveGroup, 1, GroupHarness.leave("g", "m"))
        #expect(leave.errorCode() == .unknownMemberID)
        _ = try await harness.store.createTopic("events")
        let commit = GroupHarness.commit("g", member: "m", generation: 1, [("events", 0, 1, nil)])
        #expect(try await harness.commit(commit) == [.illegalGeneration])
        let list = try await harness.call(.listGroups, 4, Fields())
        #expect(list.array("groups").isEmpty)
    }

    @Test func `rule 4: from version 4 on a member comes back with its id`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        let first = try await harness.call(.joinGroup, 4, GroupHarness.join("g"))
        #expect(first.errorCode() == .memberIDRequired)
        let id = first.string("memberId")
        #expect(id.hasPrefix("tester-"))
        let second = try await harness.call(.joinGroup, 4, GroupHarness.join("g", member: id))
        #expect(second.errorCode() == .none)
        #expect(second.string("leader") == id)
        #expect(second.array("members").map { $0.bytes("metadata") } == [[1, 2, 3]])
    }

    @Test func `rule 13: a silent member's session ends and the next gets in`() async throws {
        var settings = GroupSettings()
        settings.limits.sessionTimeouts = 10...1_800_000
        let harness = try GroupHarness(settings: settings)
        defer { harness.stop() }
        let silent = GroupHarness.join("g", session: 50)
        let first = try await harness.call(.joinGroup, 3, silent)
        #expect(first.errorCode() == .none)
        // Answered only because the first one's session ends.
        let second = try await harness.call(.joinGroup, 3, GroupHarness.join("g"))
        #expect(second.errorCode() == .none)
        #expect(
            second.array("members").map { $0.string("memberId") } == [second.string("memberId")]
        )
    }

    @Test func `three members join, share, and go on when one leaves`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        let (leader, _) = try await harness.soleMember("g")
        let second = try harness.begin(.joinGroup, 3, GroupHarness.join("g"))
        let third = try harness.begin(.joinGroup, 3, GroupHarness.join("g"))
        let rejoin = GroupHarness.join("g", member: leader)
        let joined = try await harness.call(.joinGroup, 3, rejoin)
        let generation = joined.int32("generationId")
        let ids = joined.array("members").map { $0.string("memberId") }
        #expect(ids.count == 3)
        #expect(try await second.value.int32("generationId") == generation)
        let thirdID = try await third.value.string("memberId")
        let waiting = try ids.dropFirst().map {
            try harness.begin(.syncGroup, 3, GroupHarness.member("g", $0, generation))
        }
        var sync = GroupHarness.member("g", leader, generation)
        let assignments = ids.map { id in
            var fields = Fields()
            fields.set("memberId", id)
            fields.set("assignment", Array(id.utf8))
            return fields
        }
        sync.set("assignments", assignments)
        let synced = try await harness.call(.syncGroup, 3, sync)
        #expect(synced.bytes("assignment") == Array(leader.utf8))
        for (id, task) in zip(ids.dropFirst(), waiting) {
            #expect(try await task.value.bytes("assignment") == Array(id.utf8))
        }
        _ = try await harness.call(.leaveGroup, 1, GroupHarness.leave("g", thirdID))
        let beat = GroupHarness.member("g", leader, generation)
        #expect(try await harness.call(.heartbeat, 3, beat).errorCode() == .rebalanceInProgress)
    }

    @Test func `stopping answers what waits`() async throws {
        let harness = try GroupHarness()
        _ = try await harness.soleMember("g")
        let waiting = try harness.begin(.joinGroup, 3, GroupHarness.join("g"))
        harness.stop()
        #expect(try await waiting.value.errorCode() == .coordinatorNotAvailable)
    }

    @Test func `a group that came to nothing leaves nothing behind`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let environment = GroupEnvironment(store: store, logger: quietLogger)
        let registry = GroupRegistry([], environment, inbox: Inbox(capacity: 1))
        for index in 0..<100 {
            #expect(registry.create("g"))
            let id = "m\(index)"
            let member = GroupMember(
                id: id,
                clientID: "",
                clientHost: "",
                sessionTimeout: 1_800_000,
                rebalanceTimeout: 1,
                protocols: [GroupProtocol(name: "range", metadata: Data())]
            )
            let request = JoinRequest(
                waiter: Waiter { _ in },
                memberID: "",
                member: member,
                protocolType: "consumer",
                requiresKnownID: true,
                canSkipAssignment: false
            )
            registry.update("g") { group, now in group.join(request, at: now) }
            #expect(registry.deadlines.count == 1)
            let left = registry.update("g") { group, now in
                group.leave([MemberReference(id: id)], at: now)
            }
            #expect(left == [.none])
            #expect(registry.groups.isEmpty)
            #expect(registry.deadlines.isEmpty)
        }
    }

    @Test func `too many groups are refused`() async throws {
        var settings = GroupSettings()
        settings.maximumGroupCount = 1
        let harness = try GroupHarness(settings: settings)
        defer { harness.stop() }
        _ = try await harness.soleMember("g")
        let answer = try await harness.call(.joinGroup, 3, GroupHarness.join("h"))
        #expect(answer.errorCode() == .policyViolation)
    }

    @Test func `rule 19: groups are listed by state and described`() async throws {
        let harness = try GroupHarness()
        defer { harness.stop() }
        _ = try await harness.store.createTopic("events")
        let (id, _) = try await harness.soleMember("stable")
        _ = try await harness.commit(GroupHarness.commit("simple", [("events", 0, 1, nil)]))
        func list(_ states: [String], _ types: [String]) async throws -> [String] {
            var fields = Fields()
            fields.set("statesFilter", states)
            fields.set("typesFilter", types)
            let answer = try await harness.call(.listGroups, 5, fields)
            return answer.array("groups").map { $0.string("groupId") }
        }
        #expect(try await list([], []) == ["simple", "stable"])
        #expect(try await list(["sTABLE"], []) == ["stable"])
        #expect(try await list(["Empty", "Dead"], ["Classic"]) == ["simple"])
        #expect(try await list([], ["consumer"]).isEmpty)
        var fields = Fields()
        fields.set("groups", ["stable", "none"])
        fields.set("includeAuthorizedOperations", true)
        let described = try await harness.call(.describeGroups, 5, fields).array("groups")
        #expect(described.map { $0.string("groupState") } == ["Stable", "Dead"])
        #expect(described.map { $0.errorCode() } == [.none, .none])
        #expect(described.first?.int32("authorizedOperations") == 328)
        let member = try #require(described.first?.array("members").first)
        #expect(member.string("memberId") == id)
        #expect(member.string("clientHost") == "/127.0.0.1")
        #expect(member.bytes("memberMetadata") == [1, 2, 3])
        #expect(member.bytes("memberAssignment") == [9, 9])
        #expect(described.first?.string("protocolData") == "range")
    }

    @Test func `rule 19: protocol, metadata and assignment are shown only when stable`()
        async throws
    {
        let harness = try GroupHarness()
        defer { harness.stop() }
        let (id, _) = try await harness.soleMember("g")
        _ = try await harness.call(.joinGroup, 3, GroupHarness.join("g", member: id))
        let answer = try await harness.call(.describeGroups, 5, ["groups": ["g"]])
        let group = try #require(answer.array("groups").first)
        #expect(group.string("groupState") == "CompletingRebalance")
        #expect(group.string("protocolType") == "consumer")
        #expect(group.string("protocolData").isEmpty)
        let member = try #require(group.array("members").first)
        #expect(member.string("memberId") == id)
        #expect(member.bytes("memberMetadata").isEmpty)
        #expect(member.bytes("memberAssignment").isEmpty)
    }
}
