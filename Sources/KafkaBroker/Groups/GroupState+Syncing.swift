import KafkaWire

/// SyncGroup: rules 10 and 11.
extension GroupState {
    /// Gives a member its assignment, at once or when the leader has brought it.
    mutating func sync(_ request: SyncRequest, waiter: Waiter, at now: Moment) {
        let error = checkSync(request)
        guard error == .none, let member = members[request.memberID] else {
            return act(.answer(.sync(waiter, SyncAnswer(error: error))))
        }
        renewSession(of: member.id, at: now)
        unsyncedIDs.remove(member.id)
        if unsyncedIDs.isEmpty { syncDeadline = nil }
        guard phase == .completingRebalance else {
            return act(.answer(.sync(waiter, assignment(of: member.id))))
        }
        if let old = member.syncWaiter {
            // The client gave up on that request, or it would not have sent another.
            act(.answer(.sync(old, SyncAnswer(error: .rebalanceInProgress))))
        }
        members[member.id]?.syncWaiter = waiter
        if member.id == leaderID { becomeStable(request.assignments, now) }
    }

    private func checkSync(_ request: SyncRequest) -> ErrorCode {
        let error = check(
            memberID: request.memberID,
            instanceID: request.instanceID,
            generation: request.generation
        )
        guard error == .none else { return error }
        let isSameType = request.protocolType.map { $0 == protocolType } ?? true
        let isSameName = request.protocolName.map { $0 == protocolName } ?? true
        guard isSameType, isSameName else { return .inconsistentGroupProtocol }
        switch phase {
        case .empty: return .unknownMemberID
        case .preparingRebalance: return .rebalanceInProgress
        case .completingRebalance, .stable: return .none
        }
    }

    /// Takes the leader's assignment; who is not in it gets an empty one.
    private mutating func becomeStable(_ assignments: [String: [UInt8]], _ now: Moment) {
        phase = .stable
        for memberID in members.keys {
            members[memberID]?.assignment = assignments[memberID] ?? []
        }
        var answers: [GroupAnswer] = []
        for member in orderedMembers {
            guard let waiter = member.syncWaiter else { continue }
            members[member.id]?.syncWaiter = nil
            renewSession(of: member.id, at: now)
            answers.append(.sync(waiter, assignment(of: member.id)))
        }
        act(.persist(stored, then: answers))
    }

    private func assignment(of memberID: String) -> SyncAnswer {
        SyncAnswer(
            protocolType: protocolType,
            protocolName: protocolName,
            assignment: members[memberID]?.assignment ?? []
        )
    }
}
