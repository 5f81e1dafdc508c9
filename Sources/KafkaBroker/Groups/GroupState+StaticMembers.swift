import KafkaWire

/// A static member that restarts: rule 5.
extension GroupState {
    /// Gives the place of a static member to its new incarnation, under a new member id.
    mutating func replaceStaticMember(
        _ oldID: String,
        with request: JoinRequest,
        _ waiter: Waiter,
        _ now: Moment
    ) {
        guard let old = members.removeValue(forKey: oldID) else { return }
        let newID = request.newMemberID
        let leaderBefore = leaderID
        fence(old)
        members[newID] = GroupMember(
            id: newID,
            instanceID: old.instanceID,
            clientID: request.clientID,
            clientHost: request.clientHost,
            order: old.order,
            sessionTimeout: old.sessionTimeout,
            rebalanceTimeout: old.rebalanceTimeout,
            protocols: old.protocols,
            assignment: old.assignment,
            sessionDeadline: now.uptime + Int64(request.sessionTimeout),
            isNew: false
        )
        if let instanceID = old.instanceID { staticIDs[instanceID] = newID }
        if leaderID == oldID { leaderID = newID }
        if unsyncedIDs.remove(oldID) != nil { unsyncedIDs.insert(newID) }
        updateMember(newID, request, waiter)
        if phase == .stable, chosenProtocol() == protocolName {
            takeOver(newID, request, waiter, leaderBefore: leaderBefore)
        } else {
            prepareOrComplete(now)
        }
    }

    private mutating func fence(_ old: GroupMember) {
        if let waiter = old.joinWaiter {
            answer(waiter, .refusal(.fencedInstanceID, memberID: old.id))
        }
        if let waiter = old.syncWaiter {
            act(.answer(.sync(waiter, SyncAnswer(error: .fencedInstanceID))))
        }
    }

    /// Goes on in the present generation with the old assignment.
    ///
    /// A leader's client would assign again, and the others would not learn of it. It is kept from
    /// that by `skipAssignment`, or, if it does not know that, by naming its old id as the leader.
    private mutating func takeOver(
        _ newID: String,
        _ request: JoinRequest,
        _ waiter: Waiter,
        leaderBefore: String?
    ) {
        members[newID]?.hasJoined = false
        members[newID]?.joinWaiter = nil
        var answer = currentGeneration(for: newID)
        if request.canSkipAssignment {
            answer.skipAssignment = newID == leaderID
        } else {
            answer.leaderID = leaderBefore ?? ""
            answer.members = []
        }
        act(.persist(stored, then: [.join(waiter, answer)]))
    }
}
