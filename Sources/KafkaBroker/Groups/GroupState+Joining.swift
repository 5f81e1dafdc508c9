import KafkaWire

/// JoinGroup: rules 2 to 7 and 22.
extension GroupState {
    /// Lets a client in, lets it wait, or refuses it; answers at once or later, exactly once.
    mutating func join(_ request: JoinRequest, waiter: Waiter, at now: Moment) {
        let memberID = request.memberID
        guard limits.sessionTimeouts.contains(request.sessionTimeout) else {
            return answer(waiter, .refusal(.invalidSessionTimeout, memberID: memberID))
        }
        guard hasRoom(for: request) else {
            return answer(waiter, .refusal(.groupMaxSizeReached, memberID: memberID))
        }
        guard supports(request) else {
            return answer(waiter, .refusal(.inconsistentGroupProtocol, memberID: memberID))
        }
        if memberID.isEmpty {
            joinWithoutID(request, waiter, now)
        } else {
            joinWithID(request, waiter, now)
        }
    }

    private mutating func joinWithoutID(
        _ request: JoinRequest,
        _ waiter: Waiter,
        _ now: Moment
    ) {
        let newID = request.newMemberID
        if let instanceID = request.instanceID {
            if let oldID = staticIDs[instanceID] {
                replaceStaticMember(oldID, with: request, waiter, now)
            } else {
                addMember(newID, request, waiter, now)
            }
        } else if request.requiresKnownID {
            guard pendingIDs.count < limits.maximumSize else {
                return answer(waiter, .refusal(.groupMaxSizeReached, memberID: ""))
            }
            pendingIDs[newID] = now.uptime + Int64(request.sessionTimeout)
            answer(waiter, .refusal(.memberIDRequired, memberID: newID))
        } else {
            addMember(newID, request, waiter, now)
        }
    }

    private mutating func joinWithID(_ request: JoinRequest, _ waiter: Waiter, _ now: Moment) {
        let memberID = request.memberID
        if request.instanceID == nil, pendingIDs.removeValue(forKey: memberID) != nil {
            return addMember(memberID, request, waiter, now)
        }
        let error = check(memberID: memberID, instanceID: request.instanceID)
        guard error == .none, let member = members[memberID] else {
            return answer(waiter, .refusal(error, memberID: memberID))
        }
        let isUnchanged = member.protocols == request.protocols
        let needsRebalance =
            switch phase {
            case .empty, .preparingRebalance: true
            case .completingRebalance: !isUnchanged
            case .stable: !isUnchanged || memberID == leaderID
            }
        guard needsRebalance else {
            // The answer to its last join was lost.
            renewSession(of: memberID, at: now)
            return answer(waiter, currentGeneration(for: memberID))
        }
        updateMember(memberID, request, waiter)
        prepareOrComplete(now)
    }

    private mutating func addMember(
        _ memberID: String,
        _ request: JoinRequest,
        _ waiter: Waiter,
        _ now: Moment
    ) {
        members[memberID] = GroupMember(
            id: memberID,
            instanceID: request.instanceID,
            clientID: request.clientID,
            clientHost: request.clientHost,
            order: nextOrder,
            sessionTimeout: request.sessionTimeout,
            rebalanceTimeout: request.positiveRebalanceTimeout,
            protocols: request.protocols,
            sessionDeadline: now.uptime + limits.newMemberTimeout,
            hasJoined: true,
            joinWaiter: waiter
        )
        nextOrder += 1
        if let instanceID = request.instanceID { staticIDs[instanceID] = memberID }
        if leaderID == nil { leaderID = memberID }
        protocolType = request.protocolType
        emptySince = nil
        joining?.hasNewMember = true
        prepareOrComplete(now)
    }

    /// Takes over what a known member says about itself, and lets it wait.
    mutating func updateMember(_ memberID: String, _ request: JoinRequest, _ waiter: Waiter) {
        guard var member = members[memberID] else { return }
        if let old = member.joinWaiter {
            // The client gave up on that request, or it would not have sent another.
            answer(old, .refusal(.rebalanceInProgress, memberID: memberID))
        }
        member.sessionTimeout = request.sessionTimeout
        member.rebalanceTimeout = request.positiveRebalanceTimeout
        member.protocols = request.protocols
        member.hasJoined = true
        member.joinWaiter = waiter
        members[memberID] = member
    }

    /// The answer that says "you are in the present generation".
    func currentGeneration(for memberID: String) -> JoinAnswer {
        JoinAnswer(
            generation: generation,
            protocolType: protocolType,
            protocolName: protocolName,
            leaderID: leaderID ?? "",
            memberID: memberID,
            members: memberID == leaderID ? membersForLeader : []
        )
    }

    /// What the leader learns about the members.
    var membersForLeader: [JoinAnswer.Member] {
        orderedMembers.map {
            JoinAnswer.Member(
                id: $0.id,
                instanceID: $0.instanceID,
                metadata: $0.metadata(for: protocolName)
            )
        }
    }

    mutating func answer(_ waiter: Waiter, _ answer: JoinAnswer) {
        act(.answer(.join(waiter, answer)))
    }

    /// Whether the group can take the client in, or holds a place for it already.
    ///
    /// While members join, places are held by those who came and by static members: so a full
    /// group drops whoever comes last.
    private func hasRoom(for request: JoinRequest) -> Bool {
        let instanceIsKnown = request.instanceID.map { staticIDs[$0] != nil } ?? false
        guard phase == .preparingRebalance else {
            return instanceIsKnown || members[request.memberID] != nil
                || members.count < limits.maximumSize
        }
        let holders = members.values.lazy.filter { $0.hasJoined || $0.instanceID != nil }
        return instanceIsKnown || holders.contains { $0.id == request.memberID }
            || holders.count < limits.maximumSize
    }

    /// Whether a member with these protocols would leave at least one that all have.
    private func supports(_ request: JoinRequest) -> Bool {
        guard !request.protocols.isEmpty, !request.protocolType.isEmpty else { return false }
        guard !members.isEmpty else { return true }
        guard request.protocolType == protocolType else { return false }
        let replaced = request.instanceID.flatMap { staticIDs[$0] } ?? request.memberID
        return request.protocols.contains { candidate in
            members.values.allSatisfy { member in
                member.id == replaced || member.protocols.contains { $0.name == candidate.name }
            }
        }
    }
}

extension JoinRequest {
    /// Version 0 has no rebalance timeout; a client's 0 or less would end every rebalance at once.
    var positiveRebalanceTimeout: Int32 { rebalanceTimeout > 0 ? rebalanceTimeout : sessionTimeout }
}
