import KafkaWire

/// JoinGroup: rules 2 to 7 and 22.
extension GroupState {
    /// Lets a client in, lets it wait, or refuses it; answers at once or later, exactly once.
    mutating func join(_ request: JoinRequest, at now: Moment) {
        let error = check(request)
        guard error == .none else {
            return refuse(request.waiter, error, memberID: request.memberID)
        }
        if !request.memberID.isEmpty {
            joinWithID(request, now)
        } else if let index = index(ofInstance: request.member.instanceID) {
            replaceStaticMember(index, with: request, now)
        } else if request.requiresKnownID, request.member.instanceID == nil {
            guard pendingIDs.count < limits.maximumSize else {
                return refuse(request.waiter, .groupMaxSizeReached, memberID: "")
            }
            pendingIDs[request.member.id] = now.uptime + Int64(request.member.sessionTimeout)
            refuse(request.waiter, .memberIDRequired, memberID: request.member.id)
        } else {
            addMember(request, now)
        }
    }

    private mutating func joinWithID(_ request: JoinRequest, _ now: Moment) {
        var request = request
        let instanceID = request.member.instanceID
        if instanceID == nil, pendingIDs.removeValue(forKey: request.memberID) != nil {
            request.member.id = request.memberID
            return addMember(request, now)
        }
        let reference = MemberReference(id: request.memberID, instanceID: instanceID)
        let error = check(reference, anyGeneration: true)
        guard error == .none, let index = index(of: request.memberID) else {
            return refuse(request.waiter, error, memberID: request.memberID)
        }
        let isUnchanged = members[index].protocols == request.member.protocols
        let needsRebalance =
            switch phase {
            case .empty, .preparingRebalance: true
            case .completingRebalance: !isUnchanged
            case .stable: !isUnchanged || request.memberID == leaderID
            }
        guard needsRebalance else {
            // The answer to its last join was lost.
            members[index].renewSession(at: now)
            return answer(request.waiter, currentGeneration(for: members[index]))
        }
        // The client gave up on a request that waits, or it would not have sent another.
        refuse(members[index], .rebalanceInProgress)
        members[index].sessionTimeout = request.member.sessionTimeout
        members[index].rebalanceTimeout = request.member.rebalanceTimeout
        members[index].protocols = request.member.protocols
        members[index].hasJoined = true
        members[index].waiter = request.waiter
        prepareOrComplete(now)
    }

    private mutating func addMember(_ request: JoinRequest, _ now: Moment) {
        var member = request.member
        member.sessionDeadline = now.uptime + limits.newMemberTimeout
        member.hasJoined = true
        member.waiter = request.waiter
        members.append(member)
        if leaderID == nil { leaderID = member.id }
        protocolType = request.protocolType
        emptySince = nil
        hasNewMember = true
        prepareOrComplete(now)
    }

    private func check(_ request: JoinRequest) -> ErrorCode {
        guard limits.sessionTimeouts.contains(request.member.sessionTimeout) else {
            return .invalidSessionTimeout
        }
        guard hasRoom(for: request) else { return .groupMaxSizeReached }
        return supports(request) ? .none : .inconsistentGroupProtocol
    }

    /// Whether the group can take the client in, or holds a place for it already.
    ///
    /// While members join, places are held by those who came and by static members: so a full
    /// group drops whoever comes last.
    private func hasRoom(for request: JoinRequest) -> Bool {
        let isJoining = phase == .preparingRebalance
        let holders = members.filter { !isJoining || $0.hasJoined || $0.instanceID != nil }
        return holders.count < limits.maximumSize
            || index(ofInstance: request.member.instanceID) != nil
            || holders.contains { $0.id == request.memberID }
    }

    /// Whether a member with these protocols would leave at least one that all have.
    private func supports(_ request: JoinRequest) -> Bool {
        guard !request.member.protocols.isEmpty, !request.protocolType.isEmpty else { return false }
        guard members.isEmpty || request.protocolType == protocolType else { return false }
        let replaced = index(ofInstance: request.member.instanceID) ?? index(of: request.memberID)
        let others = members.indices.filter { $0 != replaced }
        return request.member.protocols.contains { candidate in
            others.allSatisfy { members[$0].metadata(for: candidate.name) != nil }
        }
    }
}

/// A static member that restarts: rule 5.
extension GroupState {
    /// Gives the place of a static member to its new incarnation, under a new member id.
    private mutating func replaceStaticMember(
        _ index: Int,
        with request: JoinRequest,
        _ now: Moment
    ) {
        let old = members[index]
        let leaderBefore = leaderID
        refuse(old, .fencedInstanceID)
        var member = request.member
        member.assignment = old.assignment
        member.mustSync = old.mustSync
        member.isNew = false
        member.renewSession(at: now)
        members[index] = member
        if leaderID == old.id { leaderID = member.id }
        guard phase == .stable, chosenProtocol() == protocolName else {
            members[index].hasJoined = true
            members[index].waiter = request.waiter
            return prepareOrComplete(now)
        }
        // It goes on in the present generation. A leader's client would assign again, and the
        // others would not learn of it: it is kept from that by `skipAssignment`, or, if it does
        // not know that, by naming its old id as the leader.
        var answer = currentGeneration(for: member)
        if request.canSkipAssignment {
            answer.skipAssignment = member.id == leaderID
        } else {
            answer.leaderID = leaderBefore ?? ""
            answer.members = []
        }
        store()
        self.answer(request.waiter, answer)
    }
}
