import Dispatch
import KafkaWire
import Synchronization

/// Finds the open log of a partition, and opens and removes the logs of topics.
struct TopicLogs: Sendable {
    let store: MetadataStore
    let directory: LogDirectory
    let settings: BrokerSettings
    private let queue = TopicQueue()

    init(store: MetadataStore, directory: LogDirectory, settings: BrokerSettings) {
        self.store = store
        self.directory = directory
        self.settings = settings
    }

    /// The partition of a topic by the topic's name.
    func partition(_ topic: String, _ index: Int32) -> Partition? {
        store.topic(named: topic).flatMap { partition($0.id, index) }
    }

    /// The partition of a topic by the topic's id.
    func partition(_ topic: UUID16, _ index: Int32) -> Partition? {
        directory.partition(index, of: topic)
    }

    /// Opens the logs of a topic that are not open yet, new or known.
    func open(
        _ id: UUID16,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        queue.run(id) { [self] done in
            guard let topic = store.topic(id: id) else {
                done()
                return completion(.failure(.unknownTopic("\(id)")))
            }
            directory.open(
                topic: id,
                partitionCount: topic.partitionCount,
                leaderEpoch: topic.leaderEpoch,
                settings: LogSettings(settings.effective(topic.configuration))
            ) { result in
                // They may have changed since the logs began to be opened.
                applySettings(of: id)
                done()
                completion(result.map { topic })
            }
        }
    }

    /// Has the open logs of a topic follow its settings, from the next job of each on.
    ///
    /// The settings are read on the log's thread, so that of two changes the later one stays.
    func applySettings(of id: UUID16) {
        for partition in directory.partitions(of: id) {
            _ = partition.perform(isReply: true) { log in
                guard let topic = store.topic(id: id) else { return }
                log.settings = LogSettings(settings.effective(topic.configuration))
            }
        }
    }

    /// Opens the logs of all topics, and removes those of deleted ones; blocks.
    func openAll() throws(BrokerError) {
        for id in store.deletedTopicIDs { remove(id) }
        let topics = store.topics
        let done = DispatchSemaphore(value: 0)
        let results = Mutex<[Result<Topic, BrokerError>]>([])
        let gather = Gather<Result<Topic, BrokerError>>(topics.count) { all in
            results.withLock { $0 = all }
            done.signal()
        }
        for (index, topic) in topics.enumerated() {
            open(topic.id) { gather.set(index, $0) }
        }
        done.wait()
        for result in results.withLock({ $0 }) { _ = try result.get() }
    }

    /// Removes the logs of a deleted topic, and then the store's note of it.
    func remove(_ id: UUID16) {
        queue.run(id) { [store, directory] done in
            directory.remove(id) { result in
                done()
                // What fails is tried again at the next start.
                if case .success = result { store.purgeDeletedTopic(id: id) { _ in } }
            }
        }
    }
}

/// Does what is to be done with the logs of a topic one after another, whoever asks for it.
///
/// Two requests at a time may add partitions, or delete a topic whose logs are being opened.
private final class TopicQueue: Sendable {
    typealias Work = @Sendable (_ done: @escaping @Sendable () -> Void) -> Void

    /// What waits, by topic; a topic is in it while something is done with its logs.
    ///
    /// Bounded by the requests under way.
    private let waiting = Mutex<[UUID16: [Work]]>([:])

    /// Does the work when everything that was asked for before is done.
    func run(_ topic: UUID16, _ work: @escaping Work) {
        let isFree = waiting.withLock { waiting in
            guard waiting[topic] == nil else {
                waiting[topic]?.append(work)
                return false
            }
            waiting[topic] = []
            return true
        }
        if isFree { work { [self] in goOn(topic) } }
    }

    private func goOn(_ topic: UUID16) {
        let next = waiting.withLock { waiting -> Work? in
            guard let works = waiting[topic], !works.isEmpty else {
                waiting[topic] = nil
                return nil
            }
            return waiting[topic]?.removeFirst()
        }
        next? { [self] in goOn(topic) }
    }
}

extension BrokerSettings {
    /// The keys that give topics a default: the key, the topic's setting, the value.
    var topicKeys: [(key: String, setting: String, value: String)] {
        [
            ("broker.flush_interval", "flush.ms", "\(flushIntervalMilliseconds)"),
            ("broker.segment_size", "segment.bytes", "\(segmentBytes)"),
            ("broker.maximum_batch_size", "max.message.bytes", "\(maxMessageBytes)"),
        ]
    }

    /// The broker's values for settings that a topic does not set, where they are not Kafka's.
    var topicDefaults: [String: String] {
        let all = topicKeys.map { ($0.setting, $0.value) }
        return Dictionary(uniqueKeysWithValues: all)
            .filter { TopicSetting.named[$0.key]?.defaultValue != $0.value }
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
    init(_ topic: TopicConfiguration) {
        func unlessNegative(_ value: Int64) -> Int64? { value < 0 ? nil : value }
        let policies = TopicSetting.elements(of: topic.value("cleanup.policy"))
        self.init(
            segmentByteCount: topic.number("segment.bytes"),
            segmentMilliseconds: topic.number("segment.ms"),
            maximumBatchByteCount: topic.number("max.message.bytes"),
            usesAppendTime: topic.value("message.timestamp.type") == "LogAppendTime",
            maximumTimestampAge: topic.number("message.timestamp.before.max.ms"),
            maximumTimestampLead: topic.number("message.timestamp.after.max.ms"),
            isCompacted: policies.contains("compact"),
            deletesOldRecords: policies.contains("delete"),
            retentionMilliseconds: unlessNegative(topic.number("retention.ms")),
            retentionByteCount: unlessNegative(topic.number("retention.bytes")),
            fileDeletionDelayMilliseconds: topic.number("file.delete.delay.ms"),
            flushMilliseconds: topic.number("flush.ms"),
            flushRecordCount: topic.number("flush.messages")
        )
    }
}
