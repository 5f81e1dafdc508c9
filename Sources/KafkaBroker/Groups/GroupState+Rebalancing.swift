import Foundation
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
        cancelSyncing()
        phase = .preparingRebalance
        hasNewMember = false
        initialDelayLeft = isInitial ? rebalanceTimeout : nil
        deadline = now.uptime + rebalanceTimeout
        if isInitial {
            waitForMoreMembers(now)
        } else {
            completeJoiningIfAllCame(now)
        }
    }

    private mutating func cancelSyncing() {
        for index in members.indices {
            members[index].assignment = Data()
            members[index].mustSync = false
            guard !members[index].hasJoined else { continue }
            refuse(members[index], .rebalanceInProgress)
            members[index].waiter = nil
        }
    }

    /// Extends the delay before the first generation, or ends it if it cannot be extended.
    private mutating func waitForMoreMembers(_ now: Moment) {
        let delay = min(Int64(limits.initialRebalanceDelay), initialDelayLeft ?? 0)
        guard delay > 0 else { return completeJoining(now) }
        deadline = now.uptime + delay
        initialDelayLeft = initialDelayLeft.map { $0 - delay }
        hasNewMember = false
    }

    /// Ends the joining if nobody is missing: neither a member nor a client that was told to come
    /// back with its id.
    mutating func completeJoiningIfAllCame(_ now: Moment) {
        guard phase == .preparingRebalance, initialDelayLeft == nil, pendingIDs.isEmpty,
            members.allSatisfy(\.hasJoined)
        else { return }
        completeJoining(now)
    }

    /// Ends the joining when its time is up.
    mutating func expireJoining(_ now: Moment) {
        guard phase == .preparingRebalance, let deadline, now.uptime >= deadline else { return }
        if hasNewMember, initialDelayLeft != nil {
            waitForMoreMembers(now)
        } else {
            completeJoining(now)
        }
    }

    /// Begins a generation of those who joined.
    private mutating func completeJoining(_ now: Moment) {
        initialDelayLeft = nil
        // Static members that are away keep their place until their sessions end.
        members.removeAll { !$0.hasJoined && $0.instanceID == nil }
        deadline = now.uptime + rebalanceTimeout
        let first = members.first(where: \.hasJoined)
        guard first != nil || members.isEmpty else { return }
        generation = generation == .max ? 1 : generation + 1
        guard let first else { return becomeEmpty(now) }
        if !members.contains(where: { $0.id == leaderID && $0.hasJoined }) { leaderID = first.id }
        protocolName = chosenProtocol()
        phase = .completingRebalance
        for index in members.indices where members[index].hasJoined {
            let waiter = members[index].waiter
            members[index].waiter = nil
            members[index].hasJoined = false
            members[index].isNew = false
            members[index].mustSync = true
            members[index].renewSession(at: now)
            if let waiter { answer(waiter, currentGeneration(for: members[index])) }
        }
        storeStaticMembers()
    }

    private mutating func becomeEmpty(_ now: Moment) {
        phase = .empty
        protocolName = nil
        leaderID = nil
        deadline = nil
        emptySince = now.date
        store()
    }

    /// The protocol that wins the vote: each member votes for the first of its list that all have.
    ///
    /// With equal votes the one wins that got its first vote from the earliest member.
    func chosenProtocol() -> String? {
        let candidates = members.first?.protocols.map(\.name).filter { name in
            members.allSatisfy { $0.metadata(for: name) != nil }
        }
        let votes = members.compactMap { voter in
            voter.protocols.first { candidates?.contains($0.name) ?? false }?.name
        }
        let counts = Dictionary(grouping: votes, by: \.self).mapValues(\.count)
        return votes.first { counts[$0] == counts.values.max() }
    }

    /// Takes a member out; the caller sees to the rebalance.
    mutating func removeMember(_ memberID: String) {
        guard let index = index(of: memberID) else { return }
        // A client that waits then joins again under a new id.
        refuse(members.remove(at: index), .unknownMemberID)
        if leaderID == memberID { leaderID = members.first?.id }
    }
}
