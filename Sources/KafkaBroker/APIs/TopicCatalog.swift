import KafkaWire

/// Creates and deletes topics: their metadata in the store and their logs on disk.
struct TopicCatalog: Sendable {
    let store: MetadataStore
    let logs: TopicLogs
    let settings: BrokerSettings

    /// Creates a topic, durably, with its logs open.
    func create(
        named name: String,
        partitionCount: Int32,
        configuration: TopicConfiguration,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        store.createTopic(
            named: name,
            partitionCount: partitionCount,
            configuration: configuration
        ) { [logs] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let topic): logs.open(topic.id, completion: completion)
            }
        }
    }

    /// The topics with these names; those that are missing are created if that is allowed.
    func findOrCreate(
        _ names: [String],
        mayCreate: Bool,
        completion: @escaping @Sendable ([Result<Topic, BrokerError>]) -> Void
    ) {
        let gather = Gather<Result<Topic, BrokerError>>(names.count, completion: completion)
        for (index, name) in names.enumerated() {
            if let topic = store.topic(named: name) {
                gather.set(index, .success(topic))
            } else if let refusal = refusal(of: name, mayCreate: mayCreate) {
                gather.set(index, .failure(refusal))
            } else {
                create(
                    named: name,
                    partitionCount: Int32(settings.numPartitions),
                    configuration: TopicConfiguration()
                ) { [store] result in
                    // Two clients may have asked at the same time: the second finds the first's.
                    guard case .failure(let error) = result, error.errorCode == .topicAlreadyExists,
                        let topic = store.topic(named: name)
                    else { return gather.set(index, result) }
                    gather.set(index, .success(topic))
                }
            }
        }
    }

    private func refusal(of name: String, mayCreate: Bool) -> BrokerError? {
        do throws(BrokerError) {
            try Topic.validate(name: name)
        } catch {
            return error
        }
        guard !mayCreate || !settings.autoCreateTopics else { return nil }
        return .unknownTopic(name)
    }
}
