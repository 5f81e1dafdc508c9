import KafkaWire

/// Telling clients which topics and partitions there are, and that this node leads them all.
extension TopicAPIs {
    /// What a client without an authorizer may do with a topic: read, write, create, delete,
    /// alter, describe, and describe and alter its configuration, as bits.
    private static let topicOperations: WireValue = 3576
    /// The same for the cluster.
    private static let clusterOperations: WireValue = 8096

    var metadata: SchemaHandler {
        SchemaHandler(.metadata) { asked, request, answer in
            let wanted = asked.optionalArray("topics")
            // Version 0 cannot say "null"; there an empty list means all topics.
            guard let wanted, !(request.version == 0 && wanted.isEmpty) else {
                return answer(metadata(store.topics.map { description(of: $0) }, asked))
            }
            let names = wanted.compactMap { $0.optionalString("name") }
            let mayCreate = asked.bool("allowAutoTopicCreation")
            catalog.findOrCreate(names, mayCreate: mayCreate) { found in
                var named = found[...]
                let topics = wanted.map { topic in
                    if let name = topic.optionalString("name"), let result = named.popFirst() {
                        return description(of: result, named: name)
                    }
                    // Before version 12 an answer needs a name.
                    guard request.version >= 12 else {
                        return ["errorCode": .code(.invalidRequest)]
                    }
                    return description(ofID: topic.uuid("topicId"))
                }
                answer(metadata(topics, asked))
            }
        }
    }

    private func metadata(_ topics: [Fields], _ asked: Fields) -> Fields {
        var topics = topics
        if asked.bool("includeTopicAuthorizedOperations") {
            for index in topics.indices {
                topics[index]["topicAuthorizedOperations"] = Self.topicOperations
            }
        }
        var response: Fields = [
            "brokers": .list([address("nodeId")]), "clusterId": .string(node.clusterID),
            "controllerId": .number(node.id), "topics": .list(topics),
        ]
        if asked.bool("includeClusterAuthorizedOperations") {
            response["clusterAuthorizedOperations"] = Self.clusterOperations
        }
        return response
    }

    private func address(_ idName: String) -> Fields {
        [idName: .number(node.id), "host": .string(node.host), "port": .number(node.port)]
    }

    private func description(of topic: Topic, _ range: Range<Int32>? = nil) -> Fields {
        let me = WireValue.number(node.id)
        let partitions = (range ?? 0..<topic.partitionCount).map { index -> Fields in
            [
                "partitionIndex": .number(index), "leaderId": me,
                "leaderEpoch": .number(topic.leaderEpoch), "replicaNodes": [me], "isrNodes": [me],
            ]
        }
        return [
            "name": .string(topic.name), "topicId": .uuid(topic.id),
            "partitions": .list(partitions),
        ]
    }

    private func description(of result: Result<Topic, BrokerError>, named name: String) -> Fields {
        switch result {
        case .success(let topic): return description(of: topic)
        case .failure(let error):
            return ["name": .string(name), "errorCode": .code(error.errorCode)]
        }
    }

    private func description(ofID id: UUID16) -> Fields {
        if let topic = store.topic(id: id) { return description(of: topic) }
        return ["name": nil, "topicId": .uuid(id), "errorCode": .code(.unknownTopicID)]
    }
}

/// The same, page by page.
extension TopicAPIs {
    /// The most partitions in one answer.
    private static let pageSize: Int32 = 2000

    var describeTopicPartitions: SchemaHandler {
        SchemaHandler(.describeTopicPartitions) { asked, _, answer in
            let names = asked.array("topics").map { $0.string("name") }
            let wanted = names.isEmpty ? store.topics.map(\.name) : Set(names).sorted()
            let cursor = asked.structure("cursor")
            let start = max(0, cursor?.int32("partitionIndex") ?? 0)
            let limit = asked.int32("responsePartitionLimit")
            var room = limit > 0 ? min(limit, Self.pageSize) : Self.pageSize
            var topics: [Fields] = []
            var response = Fields()
            for name in wanted where name >= cursor?.string("topicName") ?? "" {
                guard room > 0 else {
                    response["nextCursor"] = .structure([
                        "topicName": .string(name), "partitionIndex": 0,
                    ])
                    break
                }
                guard let topic = store.topic(named: name) else {
                    topics.append(description(of: .failure(.unknownTopic(name)), named: name))
                    continue
                }
                let first = name == cursor?.string("topicName") ? start : 0
                let range = min(first, topic.partitionCount)..<topic.partitionCount
                let page = range.prefix(Int(room))
                topics.append(description(of: topic, page))
                topics[topics.count - 1]["topicAuthorizedOperations"] = Self.topicOperations
                room -= Int32(page.count)
                if page.count < range.count {
                    response["nextCursor"] = .structure([
                        "topicName": .string(name), "partitionIndex": .number(page.upperBound),
                    ])
                    break
                }
            }
            response["topics"] = .list(topics)
            answer(response)
        }
    }

    var describeCluster: SchemaHandler {
        SchemaHandler(.describeCluster) { asked, request, answer in
            var response: Fields = [
                "endpointType": .int(asked.int64("endpointType")),
                "clusterId": .string(node.clusterID), "controllerId": .number(node.id),
            ]
            // 1 asks for the brokers, 2 for the controllers of a KRaft quorum.
            if request.version >= 1 && asked.int8("endpointType") != 1 {
                response["errorCode"] = .code(.invalidRequest)
                response["errorMessage"] = "This node has no controller endpoint."
                return answer(response)
            }
            response["brokers"] = .list([address("brokerId")])
            if asked.bool("includeClusterAuthorizedOperations") {
                response["clusterAuthorizedOperations"] = Self.clusterOperations
            }
            answer(response)
        }
    }
}
