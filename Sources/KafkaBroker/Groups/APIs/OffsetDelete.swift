import KafkaWire

/// OffsetDelete: forgets how far a group has read topics that none of its consumers reads.
enum OffsetDelete: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        guard let group = registry.groups[groupID]?.state else {
            return refuse(call, .groupIDNotFound)
        }
        guard group.phase == .empty || group.protocolType == "consumer" else {
            return refuse(call, .nonEmptyGroup)
        }
        let subscribed = group.subscribedTopics
        let checked = call.partitions.map {
            topic,
            partition -> (key: OffsetKey?, error: ErrorCode) in
            let key = registry.partition(partition.int32("partitionIndex"), of: topic)
            guard let key else { return (nil, .unknownTopicOrPartition) }
            let isSubscribed = subscribed?.contains(topic) ?? true
            return isSubscribed ? (nil, .groupSubscribedToTopic) : (key, .none)
        }
        registry.removeOffsets(of: checked.compactMap(\.key), inGroup: groupID) { error in
            call.reply(call.answer(checked.map { $0.key == nil ? $0.error : error }))
        }
    }
}
