import KafkaWire

/// OffsetCommit, and how long offsets are kept: rules 15 and 18.
extension GroupState {
    /// Decides whether a commit is allowed, and counts it as a sign of life.
    ///
    /// - Parameters:
    ///   - memberID: Who commits; empty for a client without a group.
    ///   - instanceID: Its instance id, if it is a static member.
    ///   - generation: Its generation; negative for a client without a group.
    ///   - isTransactional: Whether a producer commits for the member: it may not know it, and is
    ///     no sign of its life.
    ///   - now: The time.
    /// - Returns: Why not, or none.
    mutating func admitCommit(
        memberID: String,
        instanceID: String?,
        generation: Int32,
        isTransactional: Bool = false,
        at now: Moment
    ) -> ErrorCode {
        if generation < 0, phase == .empty { return .none }
        guard generation >= 0 || !memberID.isEmpty || instanceID != nil else {
            // Only members may commit while there are any.
            return isTransactional ? .none : .unknownMemberID
        }
        let error = check(memberID: memberID, instanceID: instanceID, generation: generation)
        guard error == .none, !isTransactional else { return error }
        guard phase != .completingRebalance else { return .rebalanceInProgress }
        renewSession(of: memberID, at: now)
        return .none
    }

    /// Takes over offsets that are durable.
    ///
    /// - Parameters:
    ///   - commits: The offsets.
    ///   - producerID: Whose transaction must be committed for them to count; nil if they do now.
    mutating func apply(_ commits: [(OffsetKey, CommittedOffset)], producerID: Int64? = nil) {
        for (key, offset) in commits {
            if let producerID {
                pendingOffsets[producerID, default: [:]][key] = offset
            } else {
                offsets[key] = offset
            }
        }
    }

    /// Takes over the offsets of a transaction that was committed, or drops them.
    mutating func endTransaction(producerID: Int64, isCommit: Bool, at now: Moment) {
        guard let pending = pendingOffsets.removeValue(forKey: producerID), isCommit else { return }
        for (key, var offset) in pending {
            offset.date = now.date
            offsets[key] = offset
        }
    }

    /// Whether an open transaction may change the offset of a partition.
    func isUnstable(_ key: OffsetKey) -> Bool {
        pendingOffsets.values.contains { $0[key] != nil }
    }

    /// Forgets the offsets of a deleted topic.
    mutating func forgetTopic(_ id: UUID16) {
        offsets = offsets.filter { $0.key.topicID != id }
        pendingOffsets = pendingOffsets.compactMapValues { pending in
            let kept = pending.filter { $0.key.topicID != id }
            return kept.isEmpty ? nil : kept
        }
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
        let expired = offsets.filter {
            max(base, $0.value.date) <= now.date - retention && !isUnstable($0.key)
        }
        for key in expired.keys { offsets[key] = nil }
        return expired.map { ($0.key, $0.value) }
    }

    /// Whether the group has nothing that is worth keeping.
    var isObsolete: Bool {
        phase == .empty && offsets.isEmpty && pendingOffsets.isEmpty && pendingIDs.isEmpty
    }
}
