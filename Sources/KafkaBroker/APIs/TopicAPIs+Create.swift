import KafkaWire

/// Creating and deleting topics, and adding partitions; answered when that is on stable storage
/// and visible.
extension TopicAPIs {
    var createTopics: SchemaHandler {
        SchemaHandler(.createTopics, into: "topics", by: ["name"], of: { $0.array("topics") }) {
            topic,
            request,
            finish throws(BrokerError) in
            let name = topic.string("name")
            let count = try partitionCount(topic)
            let configs = topic.array("configs")
            try Topic.validate(name: name)
            try Topic.validate(partitionCount: count)
            let configuration = try TopicConfiguration(
                checking: configs.map { ($0.string("name"), $0.optionalString("value")) }
            )
            if store.topic(named: name) != nil { throw .topicExists(name) }
            let description = description(count, configuration)
            guard !request.bool("validateOnly") else { return finish(.success(description)) }
            catalog.create(
                named: name,
                partitionCount: count,
                configuration: configuration
            ) { result in
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

    /// The number of partitions that the request asks for, by number or by assignment.
    private func partitionCount(_ topic: Fields) throws(BrokerError) -> Int32 {
        let asked = topic.int32("numPartitions")
        let replicas = topic.int16("replicationFactor")
        let assignments = topic.array("assignments")
        guard assignments.isEmpty else {
            guard asked == -1, replicas == -1 else {
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
        guard replicas == -1 || replicas == 1 || settings.clampReplicationFactor else {
            throw BrokerError(
                .invalidReplicationFactor,
                replicas < 1
                    ? "Replication factor must be larger than 0."
                    : "Replication factor: \(replicas) larger than available brokers: 1."
            )
        }
        return asked == -1 ? Int32(settings.numPartitions) : asked
    }

    private func checkBrokers(_ assignments: [Fields]) throws(BrokerError) {
        guard assignments.allSatisfy({ $0.int32s("brokerIds") == [node.id] }) else {
            throw BrokerError(
                .invalidReplicaAssignment,
                "Each partition must be assigned to broker \(node.id) alone."
            )
        }
    }

    private func description(_ count: Int32, _ configuration: TopicConfiguration) -> Fields {
        [
            "numPartitions": .number(count), "replicationFactor": 1,
            "configs": .list(topicConfigs(configuration).map(\.summary)),
        ]
    }

    var createPartitions: SchemaHandler {
        SchemaHandler(.createPartitions, into: "results", by: ["name"], of: { $0.array("topics") })
        { wanted, request, finish throws(BrokerError) in
            let count = wanted.int32("count")
            let assignments = wanted.optionalArray("assignments")
            try Topic.validate(partitionCount: count)
            try checkBrokers(assignments ?? [])
            try update(
                topic(wanted.string("name")),
                validateOnly: request.bool("validateOnly"),
                { topic throws(BrokerError) in
                    let current = topic.partitionCount
                    guard count > current else {
                        throw BrokerError(
                            .invalidPartitions,
                            count == current
                                ? "Topic already has \(count) partitions."
                                : "Topic currently has \(current) partitions, which is higher "
                                    + "than the requested \(count)."
                        )
                    }
                    if let assignments, assignments.count != Int(count - current) {
                        throw BrokerError(
                            .invalidReplicaAssignment,
                            "Increasing the number of partitions by \(count - current) but "
                                + "\(assignments.count) assignments provided."
                        )
                    }
                    topic.partitionCount = count
                },
                completion: finish
            )
        }
    }

    /// Deletes topics by name or id; their files go in the background.
    var deleteTopics: SchemaHandler {
        SchemaHandler(
            .deleteTopics,
            into: "responses",
            by: ["name", "topicId"],
            of: { request in
                let names = request.strings("topicNames")
                return request.array("topics") + names.map { ["name": .string($0)] }
            }
        ) { wanted, _, finish throws(BrokerError) in
            let name = wanted.optionalString("name")
            let id = wanted.uuid("topicId")
            guard let topic = name.map({ store.topic(named: $0) }) ?? store.topic(id: id) else {
                throw name.map { .unknownTopic($0) }
                    ?? BrokerError(.unknownTopicID, "there is no topic with the id \(id)")
            }
            store.deleteTopic(id: topic.id) { result in
                if case .success = result { logs.remove(topic.id) }
                finish(
                    result.map { _ in ["name": .string(topic.name), "topicId": .uuid(topic.id)] }
                )
            }
        }
    }
}
