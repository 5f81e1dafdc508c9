import KafkaWire

/// Heartbeats and time: rules 10, 12 and 13.
extension GroupState {
    /// Keeps a member's session alive, and tells it of a rebalance.
    mutating func heartbeat(_ member: MemberReference, at now: Moment) -> ErrorCode {
        let error = check(member)
        guard error == .none, let index = index(of: member.id) else { return error }
        members[index].renewSession(at: now)
        return phase == .preparingRebalance ? .rebalanceInProgress : .none
    }

    /// When `expire` has something to do next, by the uptime clock; nil if nothing runs out.
    var nextDeadline: Int64? {
        let sessions = members.lazy.filter(\.sessionIsRunning).map(\.sessionDeadline)
        return [deadline, pendingIDs.values.min(), sessions.min()].compactMap(\.self).min()
    }

    /// Ends whatever has run out by now.
    mutating func expire(at now: Moment) {
        pendingIDs = pendingIDs.filter { now.uptime < $0.value }
        let isTooLateToSync =
            phase != .preparingRebalance && deadline.map { now.uptime >= $0 } ?? false
        if isTooLateToSync { deadline = nil }
        let lost = members.filter {
            $0.sessionIsRunning && now.uptime >= $0.sessionDeadline
                || isTooLateToSync && $0.mustSync
        }
        for member in lost { removeMember(member.id) }
        // Who waits for a pending id may go on when that has lapsed.
        if !lost.isEmpty || phase == .preparingRebalance { prepareOrComplete(now) }
        expireJoining(now)
    }
}

/// A client whose connection ends while it waits: rule 7 of connections.
extension GroupState {
    /// Ends the wait of a member's request.
    ///
    /// The member stays, with one session timeout to come back.
    mutating func endWait(on connection: ObjectIdentifier, at now: Moment) {
        guard let index = members.firstIndex(where: { $0.waiter?.connection == connection }) else {
            return
        }
        refuse(members[index], .rebalanceInProgress)
        members[index].waiter = nil
        members[index].renewSession(at: now)
    }
}

/// LeaveGroup: rule 14.
extension GroupState {
    /// Lets members go; returns one result for each, in order.
    ///
    /// An administrator names only the instance of a static member.
    mutating func leave(_ leaving: [MemberReference], at now: Moment) -> [ErrorCode] {
        let count = members.count
        let results = leaving.map { member in
            if member.instanceID == nil, pendingIDs.removeValue(forKey: member.id) != nil {
                return ErrorCode.none
            }
            var member = member
            if member.id.isEmpty, let index = index(ofInstance: member.instanceID) {
                member.id = members[index].id
            }
            let error = check(member, anyGeneration: true)
            if error == .none { removeMember(member.id) }
            return error
        }
        if members.count < count || phase == .preparingRebalance { prepareOrComplete(now) }
        return results
    }
}
