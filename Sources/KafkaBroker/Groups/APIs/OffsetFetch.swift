import KafkaWire

/// OffsetFetch: how far groups have read, for the partitions asked for or for all.
enum OffsetFetch: GroupAPI {
    /// What is answered for one partition.
    private typealias Result = (offset: CommittedOffset?, error: ErrorCode)

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let isStable = call.request.bool("requireStable")
        var answer = Fields()
        if call.version >= 8 {
            let groups = call.request.array("groups").map { requested in
                var group = Fields()
                group.set("groupId", requested.string("groupId"))
                group.set("topics", topics(of: requested, isStable, registry))
                return group
            }
            answer.set("groups", groups)
        } else {
            answer.set("topics", topics(of: call.request, isStable, registry))
        }
        call.reply(answer)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        var answer = Fields()
        answer.set("errorCode", error)
        let groups = call.request.array("groups").map { requested in
            var group = Fields()
            group.set("groupId", requested.string("groupId"))
            group.set("errorCode", error)
            return group
        }
        answer.set("groups", groups)
        guard call.version < 2 else { return answer }
        // Version 1 has no place for an error but the partitions.
        let topics = call.request.array("topics").map { requested in
            topic(requested.string("name"), requested.int32s("partitionIndexes")) { _ in
                (nil, error)
            }
        }
        answer.set("topics", topics)
        return answer
    }

    private static func topics(
        of request: Fields,
        _ isStable: Bool,
        _ registry: GroupRegistry
    ) -> [Fields] {
        let group = registry.groups[request.string("groupId")]?.state
        func result(_ topicID: UUID16?, _ partition: Int32) -> Result {
            guard let group, let topicID else { return (nil, .none) }
            let key = OffsetKey(topicID: topicID, partition: partition)
            if isStable, group.isUnstable(key) { return (nil, .unstableOffsetCommit) }
            return (group.offsets[key], .none)
        }
        if let requested = request.optionalArray("topics") {
            return requested.map { entry in
                let name = entry.string("name")
                let id = registry.store.topic(named: name)?.id
                return topic(name, entry.int32s("partitionIndexes")) { result(id, $0) }
            }
        }
        let keys = Dictionary(grouping: group?.offsets.keys.map(\.self) ?? [], by: \.topicID)
        let named = keys.compactMap { id, keys in
            registry.store.topic(id: id).map { ($0.name, id, keys.map(\.partition).sorted()) }
        }
        return named.sorted { $0.0 < $1.0 }.map { name, id, partitions in
            topic(name, partitions) { result(id, $0) }
        }
    }

    private static func topic(
        _ name: String,
        _ partitions: [Int32],
        _ result: (Int32) -> Result
    ) -> Fields {
        let entries = partitions.map { partition in
            let (offset, error) = result(partition)
            var fields = Fields()
            fields.set("partitionIndex", partition)
            fields.set("committedOffset", offset?.offset ?? -1)
            fields.set("committedLeaderEpoch", offset?.leaderEpoch ?? -1)
            fields.set("metadata", offset?.metadata ?? "")
            fields.set("errorCode", error)
            return fields
        }
        var topic = Fields()
        topic.set("name", name)
        topic.set("partitions", entries)
        return topic
    }
}
