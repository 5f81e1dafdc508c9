import KafkaWire

/// CreateTopics: answered when the topics are on stable storage and visible.
extension TopicAPIs {
    var createTopics: SchemaHandler {
        SchemaHandler(.createTopics, into: "topics", by: ["name"], ofEach: { $0.array("topics") }) {
            wanted,
            request,
            finish throws(BrokerError) in
            let name = wanted.string("name")
            let count = try partitionCount(wanted)
            try Topic.validate(name: name)
            try Topic.validate(partitionCount: count)
            let configuration = try TopicConfiguration(
                checking: wanted.array("configs").map(\.setting)
            )
            if store.topic(named: name) != nil { throw .topicExists(name) }
            let description: Fields = [
                "numPartitions": .number(count), "replicationFactor": 1,
                "configs": .list(configs(of: configuration).map(\.summary)),
            ]
            guard !request.bool("validateOnly") else { return finish(.success(description)) }
            create(name, count, configuration) { result in
                finish(
                    result.map { topic in
                        var description = description
                        description["topicId"] = .uuid(topic.id)
                        return description
                    }
                )
            }
        }
    }

    /// Creates a topic, durably, with its logs open.
    func create(
        _ name: String,
        _ partitionCount: Int32,
        _ configuration: TopicConfiguration,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        store.createTopic(
            named: name,
            partitionCount: partitionCount,
            configuration: configuration
        ) { [logs] result in
            switch result {
            case .failure: completion(result)
            case .success(let topic): logs.open(topic.id, completion: completion)
            }
        }
    }

    /// The number of partitions that the request asks for, by number or by assignment.
    private func partitionCount(_ topic: Fields) throws(BrokerError) -> Int32 {
        let count = topic.int32("numPartitions")
        let replicas = topic.int16("replicationFactor")
        let assignments = topic.array("assignments")
        if assignments.isEmpty {
            guard replicas == -1 || replicas == 1 || settings.clampReplicationFactor else {
                throw BrokerError(
                    .invalidReplicationFactor,
                    replicas < 1
                        ? "Replication factor must be larger than 0."
                        : "Replication factor: \(replicas) larger than available brokers: 1."
                )
            }
            return count == -1 ? Int32(settings.numPartitions) : count
        }
        guard count == -1, replicas == -1 else {
            throw BrokerError(
                .invalidRequest,
                "Both numPartitions or replicationFactor and assignments were set."
            )
        }
        let indexes = assignments.map { $0.int32("partitionIndex") }.sorted()
        guard indexes.elementsEqual(0..<Int32(assignments.count)) else {
            throw BrokerError(
                .invalidReplicaAssignment,
                "The assignments must number the partitions from 0 on."
            )
        }
        try checkBrokers(assignments)
        return Int32(assignments.count)
    }

    /// Checks that assignments name no other broker.
    func checkBrokers(_ assignments: [Fields]) throws(BrokerError) {
        guard assignments.allSatisfy({ $0.int32s("brokerIds") == [node.id] }) else {
            throw BrokerError(
                .invalidReplicaAssignment,
                "Each partition must be assigned to broker \(node.id) alone."
            )
        }
    }
}
