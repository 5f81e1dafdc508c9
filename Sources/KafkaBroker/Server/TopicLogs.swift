import Dispatch
import KafkaWire
import Synchronization

/// Finds the open log of a partition, and opens and removes the logs of topics.
struct TopicLogs: Sendable {
    let store: MetadataStore
    let directory: LogDirectory
    let settings: BrokerSettings

    /// The partition of a topic by the topic's name.
    func partition(_ topic: String, _ index: Int32) -> Partition? {
        store.topic(named: topic).flatMap { partition($0.id, index) }
    }

    /// The partition of a topic by the topic's id.
    func partition(_ topic: UUID16, _ index: Int32) -> Partition? {
        directory.partition(index, of: topic)
    }

    /// Opens the logs of a topic, new or known.
    func open(
        _ topic: Topic,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        directory.open(
            topic: topic.id,
            partitionCount: topic.partitionCount,
            leaderEpoch: topic.leaderEpoch,
            settings: LogSettings(settings.effective(topic.configuration)),
            completion
        )
    }

    /// Opens the logs of all topics, and removes those of deleted ones; blocks.
    func openAll() throws(BrokerError) {
        for id in store.deletedTopicIDs { remove(id) }
        let topics = store.topics
        let done = DispatchSemaphore(value: 0)
        let results = Mutex<[Result<Void, BrokerError>]>([])
        let gather = Gather<Result<Void, BrokerError>>(topics.count) { all in
            results.withLock { $0 = all }
            done.signal()
        }
        for (index, topic) in topics.enumerated() {
            open(topic) { gather.set(index, $0) }
        }
        done.wait()
        for result in results.withLock({ $0 }) { try result.get() }
    }

    /// Removes the logs of a deleted topic, and then the store's note of it.
    func remove(_ id: UUID16) {
        directory.remove(id) { [store] result in
            // What fails is tried again at the next start.
            if case .success = result { store.purgeDeletedTopic(id: id) { _ in } }
        }
    }
}

extension BrokerSettings {
    /// The broker's values for settings that a topic does not set, where they are not Kafka's.
    var topicDefaults: [String: String] {
        [
            "flush.ms": "\(flushIntervalMilliseconds)", "segment.bytes": "\(segmentBytes)",
            "max.message.bytes": "\(maxMessageBytes)",
        ].filter { TopicSetting.named[$0.key]?.defaultValue != $0.value }
    }

    /// A topic's settings with those that it takes from the broker.
    func effective(_ configuration: TopicConfiguration) -> TopicConfiguration {
        TopicConfiguration(
            stored: topicDefaults.merging(configuration.values) { _, own in own }
        )
    }
}

extension LogSettings {
    /// The part of a topic's settings that its logs need.
    init(_ configuration: TopicConfiguration) {
        self.init(
            segmentByteCount: configuration.segmentByteCount,
            segmentMilliseconds: configuration.segmentMilliseconds,
            maximumBatchByteCount: configuration.maximumBatchByteCount,
            usesAppendTime: configuration.usesAppendTime,
            maximumTimestampAge: configuration.maximumTimestampAge,
            maximumTimestampLead: configuration.maximumTimestampLead,
            isCompacted: configuration.isCompacted,
            deletesOldRecords: configuration.deletesOldRecords,
            retentionMilliseconds: configuration.retentionMilliseconds,
            retentionByteCount: configuration.retentionByteCount,
            flushMilliseconds: configuration.flushMilliseconds,
            flushRecordCount: configuration.flushRecordCount
        )
    }
}
