import KafkaWire

/// The APIs that tell about topics and change them, each in a file that has its name.
struct TopicAPIs: Sendable {
    let node: Node
    let logs: TopicLogs

    var store: MetadataStore { logs.store }
    var settings: BrokerSettings { logs.settings }

    /// One handler for each API.
    var handlers: [any RequestHandler] {
        [
            metadata, describeTopicPartitions, describeCluster, createTopics, createPartitions,
            deleteTopics, describeConfigs, alterConfigs, incrementalAlterConfigs, listOffsets,
            offsetForLeaderEpoch, deleteRecords, describeProducers, describeLogDirs, describeAcls,
            createAcls, deleteAcls, electLeaders, listPartitionReassignments,
        ]
    }

    /// The topic with this name.
    func topic(_ name: String) throws(BrokerError) -> Topic {
        if let topic = store.topic(named: name) { return topic }
        throw .unknownTopic(name)
    }

    /// The topic with this id.
    func topic(_ id: UUID16) throws(BrokerError) -> Topic {
        if let topic = store.topic(id: id) { return topic }
        throw BrokerError(.unknownTopicID, "there is no topic with the id \(id)")
    }

    /// Changes a topic durably and has its logs follow, or only tries whether that could be done.
    func update(
        _ topic: Topic,
        validateOnly: Bool,
        _ change: @escaping @Sendable (inout Topic) throws(BrokerError) -> Void,
        completion: @escaping @Sendable (SchemaHandler.EntryOutcome) -> Void
    ) throws(BrokerError) {
        guard !validateOnly else {
            var copy = topic
            try change(&copy)
            return completion(.success([:]))
        }
        store.updateTopic(id: topic.id, change) { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success: logs.open(topic.id) { opened in completion(opened.map { _ in [:] }) }
            }
        }
    }
}
