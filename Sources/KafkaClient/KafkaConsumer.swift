internal import CLibrdkafka
public import Streaming

/// Reads topics of a Kafka cluster.
///
/// Owned by one thread. Its own defaults, each of which `KafkaSettings.properties` can change:
/// - a fetch waits up to 100 ms at the broker for the first byte (`fetch.wait.max.ms`,
///   `fetch.min.bytes`), and small requests leave at once (`socket.nagle.disable`);
/// - at most 100,000 records or 64 MiB are read ahead, and one fetch more (`queued.min.messages`,
///   `queued.max.messages.kbytes`);
/// - every record batch's checksum is verified (`check.crcs`);
/// - reconnecting waits 50 ms at first and 1 s at most (`reconnect.backoff.ms`, `.max.ms`);
/// - a topic is unknown when it has been missing for 3 s (`topic.metadata.propagation.max.ms`);
/// - a group notices a dead member after 10 s (`session.timeout.ms`) and assigns by range, because
///   the cooperative assignor of librdkafka 2.0.2 can give a partition to two members.
///
/// Offsets are committed only by `commit`. Without a group they are committed under the property
/// `group.id`, or the client id when there is none, for lag tools to see.
///
/// The records of a batch are not copied: they stay librdkafka's messages until the batch is
/// destroyed. A batch keeps the client itself alive, so `assign`, `seek`, `close` and the
/// consumer's end are safe while batches live; the client's memory goes with the last of them.
public final class KafkaConsumer: GroupSource {
    /// The topics it reads; `Record.topicIndex` counts in this list.
    public let topics: [String]
    let settings: KafkaSettings
    let group: String?
    /// Nil once closed.
    private(set) var handle: ClientHandle?
    /// librdkafka's topics, in the order of `topics`.
    ///
    /// Held by `handle`, which keeps an address from being used again for another topic.
    let topicPointers: [OpaquePointer]
    /// Wakes the reading ahead.
    var readAhead: ReadAhead
    /// Memory of a poll that found nothing, for the next one; nil when it went out with a batch.
    var spareMemory: MessageMemory?
    /// What was still to be told when the consumer was closed.
    private var closingNotices: [StreamNotice] = []

    /// Reads partitions named by `assign`, and none before.
    /// - Parameters:
    ///   - settings: How to reach the cluster.
    ///   - topics: The topics that partitions may be assigned from.
    ///   - isolation: Which records of transactional producers are seen.
    /// - Throws: A configuration error when a property is refused.
    public convenience init(
        _ settings: KafkaSettings,
        topics: [String],
        isolation: IsolationLevel = .readCommitted
    ) throws(StreamError) {
        try self.init(
            settings,
            topics: topics,
            group: nil,
            defaults: ["group.id": settings.clientID.isEmpty ? "freshet" : settings.clientID],
            fixed: [
                // An offset that is gone is the caller's to decide about, never skipped silently.
                "auto.offset.reset": "error",
                // Tells `reachedEnd`.
                "enable.partition.eof": "true",
                "isolation.level": isolation.property,
            ]
        )
    }

    /// Joins a group, which shares the topics' partitions among its members.
    ///
    /// Records come after `poll` has taken part in the group's assignment; each change of it is a
    /// notice. A record polled before its partition was revoked may be read by the next member
    /// too: a group alone gives at-least-once.
    /// - Parameters:
    ///   - settings: How to reach the cluster.
    ///   - group: The group's name.
    ///   - topics: The topics to share.
    ///   - start: Where to begin without a committed offset, or when it is gone from the log.
    ///   - isolation: Which records of transactional producers are seen.
    /// - Throws: A configuration error when a property or a name is refused.
    public convenience init(
        _ settings: KafkaSettings,
        group: String,
        topics: [String],
        start: GroupStart,
        isolation: IsolationLevel = .readCommitted
    ) throws(StreamError) {
        guard !group.isEmpty, !topics.isEmpty else {
            throw StreamError(
                .configuration,
                "consumer group \"\(group)\" with topics \(topics)",
                remedy: "name the group and at least one topic"
            )
        }
        try self.init(
            settings,
            topics: topics,
            group: group,
            fixed: [
                "group.id": group,
                "auto.offset.reset": start.rawValue,
                "isolation.level": isolation.property,
            ]
        )
        let handle = try opened()
        let list = PartitionList(topics: topics)
        try check(
            rd_kafka_subscribe(handle.client, list.pointer),
            "group \"\(group)\" cannot be joined"
        )
    }

    private init(
        _ settings: KafkaSettings,
        topics: [String],
        group: String?,
        defaults: [String: String] = [:],
        fixed: [String: String]
    ) throws(StreamError) {
        try Self.validate(topics)
        let configuration = Configuration()
        try configuration.apply(
            settings,
            defaults: Self.defaults.merging(defaults) { _, particular in particular },
            fixed: fixed
        )
        configuration.reportGroupChanges()
        let handle = try ClientHandle(configuration, type: RD_KAFKA_CONSUMER, settings: settings)
        handle.target.isGroupMember = group != nil
        var pointers: [OpaquePointer] = []
        for topic in topics { pointers.append(try handle.topicHandle(topic)) }
        handle.probeTopic = pointers.first
        readAhead = ReadAhead(settings)
        self.settings = settings
        self.topics = topics
        self.group = group
        self.handle = handle
        topicPointers = pointers
    }

    deinit { close() }

    private static let defaults = [
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "check.crcs": "true",
        "fetch.wait.max.ms": "100",
        "fetch.min.bytes": "1",
        "fetch.error.backoff.ms": "100",
        "topic.metadata.propagation.max.ms": "3000",
        "session.timeout.ms": "10000",
        "partition.assignment.strategy": "range,roundrobin",
    ]

    private static func validate(_ topics: [String]) throws(StreamError) {
        // 1000 < ClientHandle.topicHandleLimit, so that none of them is ever evicted.
        guard topics.count <= 1000, Set(topics).count == topics.count else {
            throw StreamError(
                .configuration,
                "\(topics.count) topics, \(Set(topics).count) of them different",
                remedy: "name each topic once, and at most 1000"
            )
        }
        // librdkafka takes a leading ^ for a regular expression; topicIndex needs exact names.
        for topic in topics where topic.isEmpty || topic.hasPrefix("^") || topic.count > 249 {
            throw StreamError(
                .configuration,
                "\"\(topic.prefix(300))\" is not a topic's name",
                remedy: "use 1 to 249 letters, digits, dots, hyphens and underscores"
            )
        }
    }

    /// Leaves the group, if any, and gives the client up; every later call throws.
    ///
    /// Blocks until pending commits are answered and the group is left, but at most 5 s: without
    /// a broker the group notices by itself. The client's memory is freed with the last batch that
    /// it returned.
    public func close() {
        guard let handle else { return }
        self.handle = nil
        spareMemory = nil
        handle.closeConsumer(timeout: .seconds(5))
        closingNotices = handle.target.notices.take()
    }

    /// What happened since the last call: broker lost, broker back, partitions assigned or revoked.
    public func takeNotices() -> [StreamNotice] {
        guard let handle else {
            defer { closingNotices = [] }
            return closingNotices
        }
        handle.noticeRecovery()
        return handle.target.notices.take()
    }

    /// The client, unless the consumer is closed.
    func opened() throws(StreamError) -> ClientHandle {
        guard let handle else {
            throw StreamError(
                .other,
                "the consumer of \(topics) is closed",
                remedy: "make a new one",
                isFatal: true
            )
        }
        return handle
    }
}
