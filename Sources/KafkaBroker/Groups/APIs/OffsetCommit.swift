import KafkaWire

/// OffsetCommit: a group says how far it has read; answered when that is durable.
enum OffsetCommit: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        var member = call.member
        member.generation = call.request.int32("generationIdOrMemberEpoch")
        commit(call, member, registry)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        call.answer(call.partitions.map { _ in error })
    }

    /// Stores what can be stored of a request, at once or as part of a transaction, and answers.
    static func commit(
        _ call: GroupCall,
        _ member: MemberReference,
        in transaction: OffsetTransaction? = nil,
        _ registry: GroupRegistry
    ) {
        let groupID = call.request.string("groupId")
        let admission = registry.update(groupID) { group, now in
            group.admitCommit(member, isTransactional: transaction != nil, at: now)
        }
        // Only a client that manages its partitions by itself can begin a group here.
        let error = admission ?? (member.generation < 0 ? .none : .illegalGeneration)
        guard error == .none else { return refuse(call, error) }
        let checked = call.partitions.map { check($1, of: $0, registry) }
        let offsets = checked.compactMap(\.offset)
        guard !offsets.isEmpty else { return call.reply(call.answer(checked.map(\.error))) }
        guard registry.create(groupID) else { return refuse(call, .policyViolation) }
        registry.commit(offsets, ofGroup: groupID, in: transaction) { error in
            call.reply(call.answer(checked.map { $0.offset == nil ? $0.error : error }))
        }
    }

    /// Finds out whether the offset of a partition can be stored.
    private static func check(
        _ partition: Fields,
        of topic: String,
        _ registry: GroupRegistry
    ) -> (offset: (OffsetKey, CommittedOffset)?, error: ErrorCode) {
        let metadata = partition.string("committedMetadata")
        guard let key = registry.partition(partition.int32("partitionIndex"), of: topic) else {
            return (nil, .unknownTopicOrPartition)
        }
        guard metadata.utf8.count <= registry.settings.limits.maximumOffsetMetadata else {
            return (nil, .offsetMetadataTooLarge)
        }
        let offset = CommittedOffset(
            offset: partition.int64("committedOffset"),
            leaderEpoch: partition.int32("committedLeaderEpoch"),
            metadata: metadata,
            date: registry.environment.now().date
        )
        return ((key, offset), .none)
    }
}

/// TxnOffsetCommit: a transaction says how far a group has read; that counts once it is committed.
enum TxnOffsetCommit: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard groupID(of: call) != nil else { return }
        let transaction = OffsetTransaction(
            transactionalID: call.request.string("transactionalId"),
            producerID: call.request.int64("producerId"),
            producerEpoch: call.request.int16("producerEpoch")
        )
        // Before version 3 a producer knows nothing of its consumer: the generation is then -1.
        OffsetCommit.commit(call, call.member, in: transaction, registry)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        OffsetCommit.refusal(of: call, error)
    }
}
