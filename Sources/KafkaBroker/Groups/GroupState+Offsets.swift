import KafkaWire

/// OffsetCommit, and how long offsets are kept: rules 15 and 18.
extension GroupState {
    /// Decides whether a commit is allowed, and counts it as a sign of life.
    mutating func admitCommit(
        memberID: String,
        instanceID: String?,
        generation: Int32,
        at now: Moment
    ) -> ErrorCode {
        if generation < 0, phase == .empty { return .none }
        guard generation >= 0 || !memberID.isEmpty || instanceID != nil else {
            // Only members may commit while there are any.
            return .unknownMemberID
        }
        let error = check(memberID: memberID, instanceID: instanceID, generation: generation)
        guard error == .none else { return error }
        guard phase != .completingRebalance else { return .rebalanceInProgress }
        renewSession(of: memberID, at: now)
        return .none
    }

    /// Takes over offsets that are durable.
    mutating func apply(_ commits: [(OffsetKey, CommittedOffset)]) {
        for (key, offset) in commits { offsets[key] = offset }
    }

    /// Forgets the offsets of a deleted topic.
    mutating func forgetTopic(_ id: UUID16) {
        offsets = offsets.filter { $0.key.topicID != id }
    }

    /// Forgets the offsets whose time is up.
    ///
    /// - Parameters:
    ///   - retention: How long offsets are kept, in milliseconds, after the group became empty
    ///     or, in a group that never had members, after the commit.
    ///   - now: The time.
    /// - Returns: What was forgotten.
    mutating func expireOffsets(
        retention: Int64,
        at now: Moment
    ) -> [(OffsetKey, CommittedOffset)] {
        guard phase == .empty else { return [] }
        let base = protocolType == nil ? Int64.min : (emptySince ?? now.date)
        let expired = offsets.filter { max(base, $0.value.date) <= now.date - retention }
        for key in expired.keys { offsets[key] = nil }
        return expired.map { ($0.key, $0.value) }
    }

    /// Whether the group has nothing that is worth keeping.
    var isObsolete: Bool { phase == .empty && offsets.isEmpty && pendingIDs.isEmpty }
}
