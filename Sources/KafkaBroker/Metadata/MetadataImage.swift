import KafkaWire

/// The topics and counters in memory, as of the last commit.
///
/// A value: the writer changes a copy and publishes it when the transaction is committed.
struct MetadataImage: Sendable {
    /// The live topics.
    private(set) var topics: [UUID16: Topic] = [:]
    private var ids: [String: UUID16] = [:]
    /// Topics that are deleted but whose files may still exist.
    var deletedTopicIDs: Set<UUID16> = []
    /// The greatest leader epoch taken so far.
    var leaderEpoch: Int32
    /// Producer ids that are reserved on disk and not handed out yet.
    var producerIDs: Range<Int64> = 0..<0

    init(leaderEpoch: Int32) { self.leaderEpoch = leaderEpoch }

    func topic(named name: String) -> Topic? { ids[name].flatMap { topics[$0] } }

    /// Adds a topic, or replaces what is known of it.
    mutating func set(_ topic: Topic) {
        topics[topic.id] = topic
        ids[topic.name] = topic.id
        leaderEpoch = max(leaderEpoch, topic.leaderEpoch)
    }

    mutating func remove(_ topic: Topic) {
        topics[topic.id] = nil
        ids[topic.name] = nil
        deletedTopicIDs.insert(topic.id)
    }
}
