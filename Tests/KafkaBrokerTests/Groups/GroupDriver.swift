import KafkaWire
import Testing

@testable import KafkaBroker

/// Plays the owner of a group: a clock that the test moves, and a record of what was answered.
struct GroupDriver {
    var group: GroupState
    var now = Moment(uptime: 0, date: 1_000_000)
    private(set) var joinAnswers: [Waiter: JoinAnswer] = [:]
    private(set) var syncAnswers: [Waiter: SyncAnswer] = [:]
    private(set) var persisted: [StoredGroup] = []
    private(set) var waiters: Set<Waiter> = []
    private var lastNumber: UInt64 = 0

    init(limits: GroupLimits = GroupLimits()) {
        group = GroupState(id: "group", limits: limits, at: now)
    }

    init(restoring stored: StoredGroup) {
        group = GroupState(stored, offsets: StoredOffsets(), limits: GroupLimits(), at: now)
    }

    /// Waiters that have no answer yet.
    var parked: Set<Waiter> {
        waiters.subtracting(joinAnswers.keys).subtracting(syncAnswers.keys)
    }

    mutating func newWaiter() -> Waiter {
        lastNumber += 1
        let waiter = Waiter(number: lastNumber)
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
        let waiter = newWaiter()
        let request = JoinRequest(
            memberID: memberID,
            instanceID: instance,
            clientID: "client",
            clientHost: "/127.0.0.1",
            sessionTimeout: session,
            rebalanceTimeout: rebalance,
            protocolType: type,
            protocols: protocols.map { GroupProtocol(name: $0, metadata: metadata) },
            requiresKnownID: knownID,
            canSkipAssignment: skip,
            newMemberID: newID
        )
        group.join(request, waiter: waiter, at: now)
        drain()
        return waiter
    }

    mutating func sync(
        _ memberID: String,
        instance: String? = nil,
        generation: Int32? = nil,
        type: String? = nil,
        name: String? = nil,
        _ assignments: [String: [UInt8]] = [:]
    ) -> Waiter {
        let waiter = newWaiter()
        let request = SyncRequest(
            memberID: memberID,
            instanceID: instance,
            generation: generation ?? group.generation,
            protocolType: type,
            protocolName: name,
            assignments: assignments
        )
        group.sync(request, waiter: waiter, at: now)
        drain()
        return waiter
    }

    mutating func heartbeat(
        _ memberID: String,
        instance: String? = nil,
        generation: Int32? = nil
    ) -> ErrorCode {
        let error = group.heartbeat(
            memberID: memberID,
            instanceID: instance,
            generation: generation ?? group.generation,
            at: now
        )
        drain()
        return error
    }

    mutating func leave(_ memberID: String, instance: String? = nil) -> ErrorCode {
        let request = LeaveRequest(memberID: memberID, instanceID: instance)
        let errors = group.leave([request], at: now)
        drain()
        return errors.first ?? .unknownServerError
    }

    mutating func commit(
        _ memberID: String = "",
        instance: String? = nil,
        generation: Int32 = -1
    ) -> ErrorCode {
        let error = group.admitCommit(
            memberID: memberID,
            instanceID: instance,
            generation: generation,
            at: now
        )
        drain()
        return error
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

    /// Takes the group's actions; nobody may be answered twice, or without having asked.
    private mutating func drain() {
        for action in group.takeActions() {
            switch action {
            case .answer(let answer): record(answer)
            case .persist(let stored, let answers):
                persisted.append(stored)
                for answer in answers { record(answer) }
            }
        }
    }

    private mutating func record(_ answer: GroupAnswer) {
        switch answer {
        case .join(let waiter, let answer):
            #expect(parked.contains(waiter), "a join was answered twice or never asked")
            joinAnswers[waiter] = answer
        case .sync(let waiter, let answer):
            #expect(parked.contains(waiter), "a sync was answered twice or never asked")
            syncAnswers[waiter] = answer
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
        for member in group.orderedMembers where group.phase == .preparingRebalance {
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
        let assignments = group.members.mapValues { Array($0.id.utf8) }
        for member in group.orderedMembers where member.id != leader { _ = sync(member.id) }
        _ = sync(leader, assignments)
        #expect(group.phase == .stable)
    }

    func joinError(_ waiter: Waiter) -> ErrorCode? { joinAnswers[waiter]?.error }
    func syncError(_ waiter: Waiter) -> ErrorCode? { syncAnswers[waiter]?.error }
}
