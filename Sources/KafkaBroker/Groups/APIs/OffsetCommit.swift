import KafkaWire

/// OffsetCommit: a group says how far it has read; answered when that is durable.
enum OffsetCommit: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let request = call.request
        let groupID = request.string("groupId")
        let generation = request.int32("generationIdOrMemberEpoch")
        let admission = registry.update(groupID, onlyRenews: true) { group, now in
            group.admitCommit(
                memberID: request.string("memberId"),
                instanceID: request.optionalString("groupInstanceId"),
                generation: generation,
                at: now
            )
        }
        // Only a client that manages its partitions by itself can begin a group here.
        let error = admission ?? (generation < 0 ? .none : .illegalGeneration)
        guard error == .none else { return refuse(call, error) }
        store(call, registry)
    }

    /// Stores what can be stored of a request, at once or as part of a transaction, and answers.
    static func store(
        _ call: GroupCall,
        _ registry: GroupRegistry,
        in transaction: OffsetTransaction? = nil
    ) {
        let groupID = call.request.string("groupId")
        let (offsets, errors) = check(call, registry)
        guard !offsets.isEmpty else { return call.reply(answer(call, errors)) }
        guard registry.create(groupID) else { return refuse(call, .policyViolation) }
        registry.commit(offsets, ofGroup: groupID, in: transaction) { error in
            call.reply(answer(call, errors.map { $0 == .none ? error : $0 }))
        }
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        let count = call.request.array("topics").reduce(0) { $0 + $1.array("partitions").count }
        return answer(call, Array(repeating: error, count: count))
    }

    /// Finds out which offsets can be stored.
    ///
    /// - Returns: These offsets, and for each partition of the request, in order, its error.
    private static func check(
        _ call: GroupCall,
        _ registry: GroupRegistry
    ) -> (offsets: [(OffsetKey, CommittedOffset)], errors: [ErrorCode]) {
        var offsets: [(OffsetKey, CommittedOffset)] = []
        var errors: [ErrorCode] = []
        let maximumMetadata = registry.settings.limits.maximumOffsetMetadata
        let date = registry.now().date
        for requested in call.request.array("topics") {
            let topic = registry.store.topic(named: requested.string("name"))
            for partition in requested.array("partitions") {
                let index = partition.int32("partitionIndex")
                let metadata = partition.string("committedMetadata")
                guard let topic, index >= 0, index < topic.partitionCount else {
                    errors.append(.unknownTopicOrPartition)
                    continue
                }
                guard metadata.utf8.count <= maximumMetadata else {
                    errors.append(.offsetMetadataTooLarge)
                    continue
                }
                let offset = CommittedOffset(
                    offset: partition.int64("committedOffset"),
                    leaderEpoch: partition.int32("committedLeaderEpoch"),
                    metadata: metadata,
                    date: date
                )
                errors.append(.none)
                offsets.append((OffsetKey(topicID: topic.id, partition: index), offset))
            }
        }
        return (offsets, errors)
    }

    private static func answer(_ call: GroupCall, _ errors: [ErrorCode]) -> Fields {
        var remaining = errors[...]
        let topics = call.request.array("topics").map { requested in
            let partitions = requested.array("partitions").map { partition in
                var fields = Fields()
                fields.set("partitionIndex", partition.int32("partitionIndex"))
                fields.set("errorCode", remaining.popFirst() ?? .unknownServerError)
                return fields
            }
            var topic = Fields()
            topic.set("name", requested.string("name"))
            topic.set("partitions", partitions)
            return topic
        }
        var answer = Fields()
        answer.set("topics", topics)
        return answer
    }
}
