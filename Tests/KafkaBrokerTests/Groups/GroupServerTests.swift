import Foundation
import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// A member of a group on a connection of its own.
private final class SocketMember {
    let client: RawClient
    private let instanceID: String?
    var id = ""
    var generation: Int32 = -1
    var members: [String] = []
    var skipsAssignment = false

    init(_ broker: Broker, instanceID: String? = nil) throws {
        client = try RawClient(port: broker.port)
        self.instanceID = instanceID
    }

    private func begin(_ key: APIKey, _ version: Int16, _ fields: Fields) throws {
        var fields = fields
        fields.set("groupId", "g")
        fields.set("memberId", id)
        fields.set("groupInstanceId", instanceID)
        let body = try MessageCodec.encodeRequest(key, version: version, fields)
        try client.send(client.frame(key, version: version, body: body))
    }

    func beginJoin() throws {
        var fields = GroupHarness.join("g")
        fields["memberId"] = nil
        // Version 3 joins at once; static members need version 5, and the last skips assignments.
        try begin(.joinGroup, instanceID == nil ? 3 : 9, fields)
    }

    func endJoin() throws -> ErrorCode {
        let version: Int16 = instanceID == nil ? 3 : 9
        let answer = try client.response(.joinGroup, version: version, correlationID: 1)
        id = answer.string("memberId")
        generation = answer.int32("generationId")
        members = answer.array("members").map { $0.string("memberId") }
        skipsAssignment = answer.bool("skipAssignment")
        return answer.errorCode()
    }

    /// Sends SyncGroup; a leader assigns each member its own id.
    func beginSync() throws {
        let assignments = members.map { id -> Fields in
            ["memberId": .string(id), "assignment": .bytes(Array(id.utf8))]
        }
        let isLeader = !members.isEmpty && !skipsAssignment
        try begin(
            .syncGroup,
            3,
            [
                "generationId": .number(generation),
                "assignments": .list(isLeader ? assignments : []),
            ]
        )
    }

    func endSync() throws -> String {
        let answer = try client.response(.syncGroup, version: 3, correlationID: 1)
        #expect(answer.errorCode() == .none)
        return String(decoding: answer.bytes("assignment"), as: UTF8.self)
    }

    func heartbeat() throws -> ErrorCode {
        try begin(.heartbeat, 3, ["generationId": .number(generation)])
        return try client.response(.heartbeat, version: 3, correlationID: 1).errorCode()
    }

    /// The members of the group, in the order in which they came.
    func memberIDs() throws -> [String] {
        let answer = try client.request(.describeGroups, version: 4, ["groups": ["g"]])
        let members = answer.array("groups").first?.array("members") ?? []
        return members.map { $0.string("memberId") }
    }

    /// Waits until the joins of others, which may still be on their way, have made the group this
    /// large.
    func awaitMembers(_ count: Int) throws {
        let limit = ContinuousClock.now + .seconds(120)
        while try memberIDs().count < count, ContinuousClock.now < limit {}
        #expect(try heartbeat() == .rebalanceInProgress)
    }

    func leave() throws {
        let request: Fields = ["groupId": "g", "memberId": .string(id)]
        #expect(try client.request(.leaveGroup, version: 2, request).errorCode() == .none)
    }
}

/// Groups through real connections.
struct GroupServerTests {
    /// Brings all members into one generation and gives each its own id as assignment.
    private func rebalance(_ members: [SocketMember], joining: [SocketMember]) throws {
        for member in joining { try member.beginJoin() }
        for member in members where !joining.contains(where: { $0 === member }) {
            try member.awaitMembers(members.count)
            try member.beginJoin()
        }
        for member in members { #expect(try member.endJoin() == .none) }
        try sync(members)
    }

    private func sync(_ members: [SocketMember]) throws {
        for member in members { try member.beginSync() }
        for member in members { #expect(try member.endSync() == member.id) }
        #expect(Set(members.map(\.generation)).count == 1)
        #expect(members.filter { !$0.members.isEmpty }.map(\.members.count) == [members.count])
    }

    @Test func `a group of 50 members stays whole through a rolling restart`() async throws {
        try await withBroker { broker, _ in
            var members = try (0..<50).map { _ in try SocketMember(broker) }
            try members[0].beginJoin()
            #expect(try members[0].endJoin() == .none)
            try rebalance(members, joining: Array(members.dropFirst()))
            for index in members.indices {
                try members[index].leave()
                members[index] = try SocketMember(broker)
                try rebalance(members, joining: [members[index]])
            }
            let generations = Set(members.map(\.generation))
            #expect(generations.count == 1)
        }
    }

    @Test func `50 static members restart one after another and nobody rebalances`() async throws {
        try await withBroker { broker, _ in
            var members = try (0..<50).map { try SocketMember(broker, instanceID: "i\($0)") }
            try members[0].beginJoin()
            #expect(try members[0].endJoin() == .none)
            try rebalance(members, joining: Array(members.dropFirst()))
            let generation = members[0].generation
            for index in members.indices {
                let old = members[index]
                let new = try SocketMember(broker, instanceID: "i\(index)")
                try new.beginJoin()
                #expect(try new.endJoin() == .none)
                #expect(new.generation == generation)
                #expect(new.skipsAssignment == !new.members.isEmpty)
                try new.beginSync()
                #expect(try new.endSync() == old.id)
                #expect(try old.heartbeat() == .fencedInstanceID)
                members[index] = new
            }
            for member in members { #expect(try member.heartbeat() == .none) }
        }
    }

    @Test func `a client that goes while its join waits stays a member, and may come again`()
        async throws
    {
        try await withBroker { broker, _ in
            let leader = try SocketMember(broker)
            try leader.beginJoin()
            #expect(try leader.endJoin() == .none)
            try leader.beginSync()
            #expect(try leader.endSync() == leader.id)
            var gone: SocketMember? = try SocketMember(broker)
            try gone?.beginJoin()
            try leader.awaitMembers(2)
            gone = nil
            let ids = try leader.memberIDs()
            #expect(ids.count == 2)
            let back = try SocketMember(broker)
            back.id = try #require(ids.last)
            try back.beginJoin()
            try leader.beginJoin()
            #expect(try leader.endJoin() == .none)
            #expect(try back.endJoin() == .none)
            #expect(leader.members == ids)
            try sync([leader, back])
        }
    }

    @Test func `this node coordinates groups and transactions, and nothing else`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            for type: Int8 in [0, 1, 2] {
                let request: Fields = [
                    "key": "", "keyType": .number(type), "coordinatorKeys": ["a", "b"],
                ]
                let old = try client.request(.findCoordinator, version: 3, request)
                let new = try client.request(.findCoordinator, version: 4, request)
                    .array("coordinators")
                let expected = type == 2 ? ErrorCode.invalidRequest : .none
                #expect(old.errorCode() == expected)
                #expect(old.int32("port") == (type == 2 ? -1 : Int32(broker.port)))
                #expect(new.map { $0.string("key") } == ["a", "b"])
                #expect(new.allSatisfy { $0.errorCode() == expected })
            }
        }
    }
}
