import KafkaWire

/// OffsetFetch: how far groups have read, for the partitions asked for or for all.
enum OffsetFetch: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        var answer = Fields()
        if call.version >= 8 {
            let groups = call.request.array("groups").map { requested in
                var group = Fields()
                group.set("groupId", requested.string("groupId"))
                group.set("topics", topics(of: requested, registry))
                return group
            }
            answer.set("groups", groups)
        } else {
            answer.set("topics", topics(of: call.request, registry))
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
            topic(requested.string("name"), requested.int32s("partitionIndexes")) { _ in nil }
                .replacingErrors(by: error)
        }
        answer.set("topics", topics)
        return answer
    }

    private static func topics(of request: Fields, _ registry: GroupRegistry) -> [Fields] {
        let offsets = registry.groups[request.string("groupId")]?.state.offsets ?? [:]
        guard let requested = request.optionalArray("topics") else {
            return allTopics(offsets, registry)
        }
        return requested.map { entry in
            let name = entry.string("name")
            let id = registry.store.topic(named: name)?.id
            return topic(name, entry.int32s("partitionIndexes")) { partition in
                id.flatMap { offsets[OffsetKey(topicID: $0, partition: partition)] }
            }
        }
    }

    private static func allTopics(
        _ offsets: [OffsetKey: CommittedOffset],
        _ registry: GroupRegistry
    ) -> [Fields] {
        let named = Dictionary(grouping: offsets.keys, by: \.topicID).compactMap { id, keys in
            registry.store.topic(id: id).map { ($0.name, id, keys.map(\.partition).sorted()) }
        }
        return named.sorted { $0.0 < $1.0 }.map { name, id, partitions in
            topic(name, partitions) { offsets[OffsetKey(topicID: id, partition: $0)] }
        }
    }

    private static func topic(
        _ name: String,
        _ partitions: [Int32],
        _ offset: (Int32) -> CommittedOffset?
    ) -> Fields {
        let entries = partitions.map { partition in
            let offset = offset(partition)
            var fields = Fields()
            fields.set("partitionIndex", partition)
            fields.set("committedOffset", offset?.offset ?? -1)
            fields.set("committedLeaderEpoch", offset?.leaderEpoch ?? -1)
            fields.set("metadata", offset?.metadata ?? "")
            fields.set("errorCode", ErrorCode.none)
            return fields
        }
        var topic = Fields()
        topic.set("name", name)
        topic.set("partitions", entries)
        return topic
    }
}

extension Fields {
    /// A topic's entry with another error for each partition.
    fileprivate func replacingErrors(by error: ErrorCode) -> Fields {
        let partitions = array("partitions").map { partition in
            var partition = partition
            partition.set("errorCode", error)
            return partition
        }
        var topic = self
        topic.set("partitions", partitions)
        return topic
    }
}
