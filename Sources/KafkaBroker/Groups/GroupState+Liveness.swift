import KafkaWire

/// Heartbeats and time: rules 10, 12 and 13.
extension GroupState {
    /// Keeps a member's session alive, and tells it of a rebalance.
    mutating func heartbeat(
        memberID: String,
        instanceID: String?,
        generation: Int32,
        at now: Moment
    ) -> ErrorCode {
        let error = check(memberID: memberID, instanceID: instanceID, generation: generation)
        guard error == .none else { return error }
        renewSession(of: memberID, at: now)
        return phase == .preparingRebalance ? .rebalanceInProgress : .none
    }

    /// When `expire` has something to do next, by the uptime clock; nil if nothing runs out.
    var nextDeadline: Int64? {
        var deadline = [joining?.deadline, syncDeadline, pendingIDs.values.min()]
            .compactMap(\.self).min()
        for member in members.values where member.sessionIsRunning {
            deadline = min(deadline ?? .max, member.sessionDeadline)
        }
        return deadline
    }

    /// Ends whatever has run out by now.
    mutating func expire(at now: Moment) {
        let lapsed = pendingIDs.filter { now.uptime >= $0.value }
        for memberID in lapsed.keys { pendingIDs[memberID] = nil }
        var lost = orderedMembers.filter {
            $0.sessionIsRunning && now.uptime >= $0.sessionDeadline
        }
        if let syncDeadline, now.uptime >= syncDeadline {
            lost += orderedMembers.filter { unsyncedIDs.contains($0.id) }
            self.syncDeadline = nil
        }
        for member in lost { removeMember(member.id) }
        if !lost.isEmpty || !lapsed.isEmpty { membersLeft(!lost.isEmpty, now) }
        expireJoining(now)
    }

    /// Goes on after members or pending ids are gone.
    mutating func membersLeft(_ someLeft: Bool, _ now: Moment) {
        switch phase {
        case .empty: break
        case .preparingRebalance: completeJoiningIfAllCame(now)
        case .completingRebalance, .stable: if someLeft { prepareRebalance(now) }
        }
    }
}

/// LeaveGroup: rule 14.
extension GroupState {
    /// Lets members go; returns one result for each, in order.
    mutating func leave(_ requests: [LeaveRequest], at now: Moment) -> [ErrorCode] {
        var someLeft = false
        let results = requests.map { request in
            if request.instanceID == nil, pendingIDs.removeValue(forKey: request.memberID) != nil {
                return ErrorCode.none
            }
            guard let memberID = memberID(leaving: request) else { return .unknownMemberID }
            let error = check(memberID: memberID, instanceID: request.instanceID)
            guard error == .none else { return error }
            removeMember(memberID)
            someLeft = true
            return .none
        }
        membersLeft(someLeft, now)
        return results
    }

    /// An administrator names only the instance.
    private func memberID(leaving request: LeaveRequest) -> String? {
        guard request.memberID.isEmpty else { return request.memberID }
        return request.instanceID.flatMap { staticIDs[$0] }
    }
}
