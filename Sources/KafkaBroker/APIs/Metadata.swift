import KafkaWire

/// Metadata: which topics and partitions there are, and that this node leads them all.
extension TopicAPIs {
    /// The first version in which a request may name topics by id.
    private static let firstVersionWithIDs: Int16 = 12

    var metadata: SchemaHandler {
        SchemaHandler(.metadata) { asked, request, answer in
            let wanted = asked.optionalArray("topics")
            // Version 0 cannot say "null"; there an empty list means all topics.
            guard let wanted, !(request.version == 0 && wanted.isEmpty) else {
                return answer(metadata(store.topics.map { description(of: $0) }, asked))
            }
            // Older requests have the field already, and no answer to it: all of them are refused.
            let isRefused =
                request.version < Self.firstVersionWithIDs
                && wanted.contains { $0.uuid("topicId") != .zero || $0["name"] == .null }
            let mayCreate = asked.bool("allowAutoTopicCreation")
            let gather = Gather<Fields>(wanted.count) { answer(metadata($0, asked)) }
            for (index, topic) in wanted.enumerated() {
                guard !isRefused else {
                    gather.set(index, failure(.invalidRequest, topic, topic.string("name")))
                    continue
                }
                find(topic, mayCreate: mayCreate) { result in
                    let id = topic.uuid("topicId")
                    switch result {
                    case .success(let found): gather.set(index, description(of: found))
                    case .failure(let error):
                        let name = id == .zero ? topic.optionalString("name") : nil
                        gather.set(index, failure(error.errorCode, topic, name))
                    }
                }
            }
        }
    }

    /// Finds a topic by its id or else its name, and creates it if it is missing and may be made.
    private func find(
        _ wanted: Fields,
        mayCreate: Bool,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        do throws(BrokerError) {
            let id = wanted.uuid("topicId")
            guard let name = wanted.optionalString("name"), id == .zero else {
                return completion(.success(try topic(id)))
            }
            if let topic = store.topic(named: name) { return completion(.success(topic)) }
            try Topic.validate(name: name)
            guard mayCreate, settings.autoCreateTopics else { throw .unknownTopic(name) }
            create(name, Int32(settings.numPartitions), TopicConfiguration()) { [store] result in
                // Two clients may have asked at the same time: the second finds the first's.
                guard case .failure(let error) = result, error.errorCode == .topicAlreadyExists,
                    let topic = store.topic(named: name)
                else { return completion(result) }
                completion(.success(topic))
            }
        } catch {
            completion(.failure(error))
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

    private func failure(_ code: ErrorCode, _ wanted: Fields, _ name: String?) -> Fields {
        [
            "name": .text(name), "topicId": .uuid(wanted.uuid("topicId")),
            "errorCode": .code(code),
        ]
    }
}

/// What other APIs tell in the same words.
extension TopicAPIs {
    /// What a client without an authorizer may do with a topic: read, write, create, delete,
    /// alter, describe, and describe and alter its configuration, as bits.
    static let topicOperations: WireValue = 3576
    /// The same for the cluster.
    static let clusterOperations: WireValue = 8096

    /// Where this node is.
    func address(_ idName: String) -> Fields {
        [idName: .number(node.id), "host": .string(node.host), "port": .number(node.port)]
    }

    /// A topic with its partitions, or some of them.
    func description(of topic: Topic, _ range: Range<Int32>? = nil) -> Fields {
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
}
