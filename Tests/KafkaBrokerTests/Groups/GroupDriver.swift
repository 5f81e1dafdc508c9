import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// In a test, a request is known by its waiter.
extension Waiter: Hashable {
    static func == (left: Waiter, right: Waiter) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// Plays the owner of a group: a clock that the test moves, and a record of what was answered.
struct GroupDriver {
    var group: GroupState
    var now = Moment(uptime: 0, date: 1_000_000)
    private(set) var answers: [Waiter: MemberAnswer] = [:]
    private(set) var stored: [GroupState] = []
    private var waiters: Set<Waiter> = []
    /// Each request comes on one of its own.
    private var connections: [Connection] = []

    private final class Connection: Sendable {}

    init(limits: GroupLimits = GroupLimits()) {
        group = GroupState(id: "group", limits: limits, at: now)
    }

    init(restoring stored: GroupState) throws {
        group = try JSONDecoder().decode(GroupState.self, from: JSONEncoder().encode(stored))
        group.resume(limits: GroupLimits(), at: now)
    }

    /// Waiters that have no answer yet.
    var parked: Set<Waiter> { waiters.subtracting(answers.keys) }
    var memberIDs: [String] { group.members.map(\.id) }

    private mutating func newWaiter() -> Waiter {
        let connection = Connection()
        connections.append(connection)
        let waiter = Waiter(on: ObjectIdentifier(connection)) { _ in }
        waiters.insert(waiter)
        return waiter
    }

    /// Sends a JoinGroup; the defaults are those of a version 3 client, which needs no known id.
    mutating func join(
        _ memberID: String = "",
        as newID: String = "",
        instance: String? = nil,
        protocols: [String] = ["range"],
        metadata: [UInt8] = [1],
        type: String = "consumer",
        session: Int32 = 10_000,
        rebalance: Int32 = 60_000,
        knownID: Bool = false,
        skip: Bool = false
    ) -> Waiter {
        let request = JoinRequest(
            waiter: newWaiter(),
            memberID: memberID,
            member: GroupMember(
                id: newID,
                instanceID: instance,
                clientID: "client",
                clientHost: "/127.0.0.1",
                sessionTimeout: session,
                rebalanceTimeout: rebalance,
                protocols: protocols.map { GroupProtocol(name: $0, metadata: Data(metadata)) }
            ),
            protocolType: type,
            requiresKnownID: knownID,
            canSkipAssignment: skip
        )
        group.join(request, at: now)
        drain()
        return request.waiter
    }

    mutating func sync(
        _ memberID: String,
        instance: String? = nil,
        generation: Int32? = nil,
        type: String? = nil,
        name: String? = nil,
        _ assignments: [String: [UInt8]] = [:]
    ) -> Waiter {
        let request = SyncRequest(
            waiter: newWaiter(),
            member: member(memberID, instance, generation),
            protocolType: type,
            protocolName: name,
            assignments: assignments.mapValues { Data($0) }
        )
        group.sync(request, at: now)
        drain()
        return request.waiter
    }

    mutating func heartbeat(
        _ memberID: String,
        instance: String? = nil,
        generation: Int32? = nil
    ) -> ErrorCode {
        let error = group.heartbeat(member(memberID, instance, generation), at: now)
        drain()
        return error
    }

    /// Closes the connection of a request.
    mutating func disconnect(_ waiter: Waiter) throws {
        group.endWait(on: try #require(waiter.connection), at: now)
        drain()
    }

    mutating func leave(_ memberID: String, instance: String? = nil) -> ErrorCode {
        let errors = group.leave([MemberReference(id: memberID, instanceID: instance)], at: now)
        drain()
        return errors.first ?? .unknownServerError
    }

    mutating func commit(
        _ memberID: String = "",
        instance: String? = nil,
        generation: Int32 = -1
    ) -> ErrorCode {
        let member = member(memberID, instance, generation)
        let error = group.admitCommit(member, isTransactional: false, at: now)
        drain()
        return error
    }

    private func member(_ id: String, _ instanceID: String?, _ generation: Int32?)
        -> MemberReference
    {
        MemberReference(
            id: id,
            instanceID: instanceID,
            generation: generation ?? group.generation
        )
    }

    /// Lets time pass, with a stop at each deadline as the coordinator makes it.
    mutating func advance(_ milliseconds: Int64) {
        let end = now.uptime + milliseconds
        while let deadline = group.nextDeadline, deadline <= end {
            move(to: max(deadline, now.uptime))
            group.expire(at: now)
            drain()
            #expect(group.nextDeadline != deadline, "an expired deadline must not stay")
            if group.nextDeadline == deadline { break }
        }
        move(to: end)
    }

    private mutating func move(to uptime: Int64) {
        now.date += uptime - now.uptime
        now.uptime = uptime
    }

    /// Takes the group's output; nobody may be answered twice, or without having asked.
    private mutating func drain() {
        let output = group.takeOutput()
        if output.mustStore {
            stored.append(group)
        } else if var last = stored.last, last.renameStaticMembers(output.staticMembers) {
            stored.append(last)
        }
        for (waiter, answer) in output.answers {
            #expect(parked.contains(waiter), "a request was answered twice or never asked")
            answers[waiter] = answer
        }
    }
}

extension GroupDriver {
    /// A group in which these members are stable, the first of them the leader.
    static func stable(_ ids: [String], limits: GroupLimits = GroupLimits()) throws -> GroupDriver {
        var driver = GroupDriver(limits: limits)
        for id in ids { _ = driver.join(as: id) }
        try driver.settle()
        return driver
    }

    /// Has every member join again that must, and all sync; each gets its own id as assignment.
    mutating func settle() throws {
        for member in group.members where group.phase == .preparingRebalance {
            guard !member.hasJoined else { continue }
            _ = join(
                member.id,
                instance: member.instanceID,
                protocols: member.protocols.map(\.name),
                session: member.sessionTimeout,
                rebalance: member.rebalanceTimeout
            )
        }
        #expect(group.phase == .completingRebalance)
        let leader = try #require(group.leaderID)
        for id in memberIDs where id != leader { _ = sync(id) }
        _ = sync(leader, ownIDs)
        #expect(group.phase == .stable)
    }

    /// Each member's id as its assignment.
    var ownIDs: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: memberIDs.map { ($0, Array($0.utf8)) })
    }

    func error(_ waiter: Waiter) -> ErrorCode? { answers[waiter]?.error }
}
