import KafkaWire

/// OffsetFetch: how far groups have read, for the partitions asked for or for all.
enum OffsetFetch: GroupAPI {
    /// What is answered for one partition.
    private typealias Result = (offset: CommittedOffset?, error: ErrorCode)
    private typealias Requested = (topic: String, partitions: [Int32])

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let wantsStable = call.request.bool("requireStable")
        guard call.version >= 8 else {
            return call.reply(["topics": .list(topics(call.request, wantsStable, registry))])
        }
        let groups = call.request.array("groups").map { request -> Fields in
            [
                "groupId": .string(request.string("groupId")),
                "topics": .list(topics(request, wantsStable, registry)),
            ]
        }
        call.reply(["groups": .list(groups)])
    }

    /// What is answered about one group.
    private static func topics(
        _ request: Fields,
        _ wantsStable: Bool,
        _ registry: GroupRegistry
    ) -> [Fields] {
        let group = registry.groups[request.string("groupId")]?.state
        return (requested(request) ?? committed(group, registry.store)).map { name, partitions in
            let id = registry.store.topic(named: name)?.id
            return topic(name, partitions) { partition in
                guard let group, let id else { return (nil, .none) }
                let key = OffsetKey(topicID: id, partition: partition)
                let isUnstable = wantsStable && group.isUnstable(key)
                return isUnstable ? (nil, .unstableOffsetCommit) : (group.offsets[key], .none)
            }
        }
    }

    /// The partitions that are asked for; nil for all.
    private static func requested(_ request: Fields) -> [Requested]? {
        request.optionalArray("topics")?.map {
            ($0.string("name"), $0.int32s("partitionIndexes"))
        }
    }

    private static func committed(_ group: GroupState?, _ store: MetadataStore) -> [Requested] {
        let keys = Dictionary(grouping: group?.offsets.keys.map(\.self) ?? [], by: \.topicID)
        let topics: [Requested] = keys.compactMap { id, keys in
            store.topic(id: id).map { ($0.name, keys.map(\.partition).sorted()) }
        }
        return topics.sorted { $0.topic < $1.topic }
    }

    private static func topic(
        _ name: String,
        _ partitions: [Int32],
        _ result: (Int32) -> Result
    ) -> Fields {
        let entries = partitions.map { partition -> Fields in
            let (offset, error) = result(partition)
            return [
                "partitionIndex": .number(partition), "errorCode": .code(error),
                "committedOffset": .int(offset?.offset ?? -1),
                "committedLeaderEpoch": .number(offset?.leaderEpoch ?? -1),
                "metadata": .string(offset?.metadata ?? ""),
            ]
        }
        return ["name": .string(name), "partitions": .list(entries)]
    }
}
