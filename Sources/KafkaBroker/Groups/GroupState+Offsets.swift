import Foundation
import KafkaWire

/// Committed offsets, and how long they are kept: rules 15 and 18, and 3.6.8.
extension GroupState {
    /// Decides whether a commit is allowed, and counts it as a sign of life.
    ///
    /// - Parameters:
    ///   - member: Who commits.
    ///   - isTransactional: Whether a producer commits for the member: it may not know it, and is
    ///     no sign of its life.
    ///   - now: The time.
    /// - Returns: Why not, or none.
    mutating func admitCommit(
        _ member: MemberReference,
        isTransactional: Bool,
        at now: Moment
    ) -> ErrorCode {
        if member.generation < 0, phase == .empty { return .none }
        guard member.generation >= 0 || !member.id.isEmpty || member.instanceID != nil else {
            // Only members may commit while there are any.
            return isTransactional ? .none : .unknownMemberID
        }
        let error = check(member)
        guard error == .none, !isTransactional, let index = index(of: member.id) else {
            return error
        }
        guard phase != .completingRebalance else { return .rebalanceInProgress }
        members[index].renewSession(at: now)
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
        pendingOffsets = pendingOffsets.mapValues { $0.filter { $0.key.topicID != id } }
            .filter { !$0.value.isEmpty }
    }

    /// The offsets whose time is up.
    ///
    /// - Parameters:
    ///   - retention: How long offsets are kept, in milliseconds, after the group became empty
    ///     or, in a group that never had members, after the commit.
    ///   - now: The time.
    /// - Returns: The partitions.
    func expiredOffsets(retention: Int64, at now: Moment) -> [OffsetKey] {
        guard phase == .empty else { return [] }
        let base = protocolType == nil ? Int64.min : (emptySince ?? now.date)
        let expired = offsets.filter {
            max(base, $0.value.date) <= now.date - retention && !isUnstable($0.key)
        }
        return Array(expired.keys)
    }

    /// The topics that the group's consumers read; nil if one of them does not say: rule 21.
    var subscribedTopics: Set<String>? {
        var topics: Set<String> = []
        for member in members {
            let metadata = member.metadata(for: protocolName)
            guard let own = metadata.flatMap(ConsumerSubscription.topics) else { return nil }
            topics.formUnion(own)
        }
        return topics
    }
}

/// What a consumer tells its group's leader about itself.
enum ConsumerSubscription {
    /// The topics that it reads; nil if the bytes have another form.
    ///
    /// Later versions only add fields after those of version 0.
    static func topics(_ metadata: Data) -> [String]? {
        metadata.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            guard let version = try? reader.integer(as: Int16.self), version >= 0,
                let count = try? reader.arrayCount(isCompact: false)
            else { return nil }
            return try? (0..<count).map { _ in try reader.string(isCompact: false) ?? "" }
        }
    }
}
