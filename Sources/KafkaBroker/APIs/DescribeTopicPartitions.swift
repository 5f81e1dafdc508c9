import KafkaWire

/// DescribeTopicPartitions: what Metadata tells about topics, page by page.
extension TopicAPIs {
    /// The most partitions in one answer.
    private static let pageSize: Int32 = 2000

    var describeTopicPartitions: SchemaHandler {
        SchemaHandler(.describeTopicPartitions) { asked, _, answer in
            let names = asked.array("topics").map { $0.string("name") }
            let wanted = names.isEmpty ? store.topics.map(\.name) : Set(names).sorted()
            let cursor = asked.structure("cursor")
            let firstName = cursor?.string("topicName") ?? ""
            let limit = asked.int32("responsePartitionLimit")
            var room = limit > 0 ? min(limit, Self.pageSize) : Self.pageSize
            var topics: [Fields] = []
            var next: Fields?
            for name in wanted where name >= firstName && next == nil {
                guard room > 0 else {
                    next = ["topicName": .string(name), "partitionIndex": 0]
                    break
                }
                guard let topic = store.topic(named: name) else {
                    let code = ErrorCode.unknownTopicOrPartition
                    topics.append(["name": .string(name), "errorCode": .code(code)])
                    continue
                }
                let start = name == firstName ? cursor?.int32("partitionIndex") ?? 0 : 0
                let first = min(max(0, start), topic.partitionCount)
                let end = first + min(room, topic.partitionCount - first)
                topics.append(description(of: topic, first..<end))
                topics[topics.count - 1]["topicAuthorizedOperations"] = Self.topicOperations
                room -= end - first
                if end < topic.partitionCount {
                    next = ["topicName": .string(name), "partitionIndex": .number(end)]
                }
            }
            var response: Fields = ["topics": .list(topics)]
            if let next { response["nextCursor"] = .structure(next) }
            answer(response)
        }
    }
}
