import KafkaWire

/// From one generation to the next: rules 8 and 9.
extension GroupState {
    /// Begins a rebalance, or goes on with the one under way if that is now possible.
    mutating func prepareOrComplete(_ now: Moment) {
        if phase == .preparingRebalance {
            completeJoiningIfAllCame(now)
        } else {
            prepareRebalance(now)
        }
    }

    /// Has all members join again.
    mutating func prepareRebalance(_ now: Moment) {
        let isInitial = phase == .empty
        if phase == .completingRebalance { cancelSyncing() }
        unsyncedIDs = []
        syncDeadline = nil
        phase = .preparingRebalance
        if isInitial {
            let longest = rebalanceTimeout
            let delay = min(Int64(limits.initialRebalanceDelay), longest)
            joining = Joining(
                deadline: now.uptime + delay,
                isInitial: true,
                remainingDelay: longest - delay
            )
            if delay == 0 { completeJoining(now) }
        } else {
            joining = Joining(deadline: now.uptime + rebalanceTimeout)
            completeJoiningIfAllCame(now)
        }
    }

    private mutating func cancelSyncing() {
        for member in orderedMembers {
            members[member.id]?.assignment = []
            guard let waiter = member.syncWaiter else { continue }
            members[member.id]?.syncWaiter = nil
            act(.answer(.sync(waiter, SyncAnswer(error: .rebalanceInProgress))))
        }
    }

    /// Ends the joining if nobody is missing: neither a member nor a client that was told to come
    /// back with its id.
    mutating func completeJoiningIfAllCame(_ now: Moment) {
        guard phase == .preparingRebalance, joining?.isInitial == false, pendingIDs.isEmpty,
            members.values.allSatisfy(\.hasJoined)
        else { return }
        completeJoining(now)
    }

    /// Ends the joining when its time is up.
    mutating func expireJoining(_ now: Moment) {
        guard var joining, now.uptime >= joining.deadline else { return }
        if joining.isInitial, joining.hasNewMember, joining.remainingDelay > 0 {
            let delay = min(Int64(limits.initialRebalanceDelay), joining.remainingDelay)
            joining.deadline = now.uptime + delay
            joining.remainingDelay -= delay
            joining.hasNewMember = false
            self.joining = joining
        } else {
            completeJoining(now)
        }
    }

    /// Begins a generation of those who joined.
    mutating func completeJoining(_ now: Moment) {
        for member in orderedMembers where !member.hasJoined && member.instanceID == nil {
            removeMember(member.id)
        }
        let joined = orderedMembers.filter(\.hasJoined)
        if joined.isEmpty, !members.isEmpty {
            // Static members that are away keep the group until their sessions end.
            joining = Joining(deadline: now.uptime + rebalanceTimeout)
            return
        }
        joining = nil
        generation = generation == .max ? 1 : generation + 1
        guard let first = joined.first else { return becomeEmpty(now) }
        if !joined.contains(where: { $0.id == leaderID }) { leaderID = first.id }
        protocolName = chosenProtocol()
        phase = .completingRebalance
        unsyncedIDs = Set(joined.map(\.id))
        syncDeadline = now.uptime + rebalanceTimeout
        for member in joined {
            members[member.id]?.hasJoined = false
            members[member.id]?.joinWaiter = nil
            members[member.id]?.isNew = false
            renewSession(of: member.id, at: now)
            if let waiter = member.joinWaiter {
                answer(waiter, currentGeneration(for: member.id))
            }
        }
    }

    private mutating func becomeEmpty(_ now: Moment) {
        phase = .empty
        protocolName = nil
        leaderID = nil
        emptySince = now.date
        act(.persist(stored, then: []))
    }

    /// The protocol that wins the vote: each member votes for the first of its list that all have.
    ///
    /// With equal votes the one wins that got its first vote from the earliest member.
    func chosenProtocol() -> String? {
        let voters = orderedMembers
        let candidates = voters.dropFirst().reduce(into: names(voters.first)) {
            $0.formIntersection(names($1))
        }
        var votes: [(name: String, count: Int)] = []
        for voter in voters {
            guard let vote = voter.protocols.first(where: { candidates.contains($0.name) }) else {
                continue
            }
            if let index = votes.firstIndex(where: { $0.name == vote.name }) {
                votes[index].count += 1
            } else {
                votes.append((vote.name, 1))
            }
        }
        let most = votes.map(\.count).max()
        return votes.first { $0.count == most }?.name
    }

    private func names(_ member: GroupMember?) -> Set<String> {
        Set((member?.protocols ?? []).map(\.name))
    }

    /// Takes a member out; the caller sees to the rebalance.
    mutating func removeMember(_ memberID: String) {
        guard let member = members.removeValue(forKey: memberID) else { return }
        if let waiter = member.joinWaiter {
            // The client then joins again under a new id.
            answer(waiter, .refusal(.unknownMemberID, memberID: memberID))
        }
        if let waiter = member.syncWaiter {
            act(.answer(.sync(waiter, SyncAnswer(error: .unknownMemberID))))
        }
        if let instanceID = member.instanceID, staticIDs[instanceID] == memberID {
            staticIDs[instanceID] = nil
        }
        unsyncedIDs.remove(memberID)
        if leaderID == memberID { leaderID = orderedMembers.first?.id }
    }
}
