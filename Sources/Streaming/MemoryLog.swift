// A log in memory, for tests and for measuring a learner without a broker. Topics are made by
// whoever writes to them first. Any number of sources and sinks, each on its own thread. Readers see
// committed records only, as Kafka's do with `read_committed`.
import Synchronization

/// Topics whose records live in this process only.
public final class MemoryLog: Sendable {
    struct Stored: Sendable {
        var timestamp: Int64
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [RecordHeader]
        /// Nil once its transaction is decided, or if it belongs to none.
        var transactionalID: String?
        /// Whether readers get it: not records of aborted transactions, nor the offset at which a
        /// transaction ends.
        var isVisible = true
    }

    /// What is known of a transactional id.
    struct Transaction: Sendable {
        /// Counts its sinks; only the newest may write.
        var generation = 0
        var isOpen = false
        /// Where it has written, and its first offset there.
        var partitions: [TopicPartition: Offset] = [:]
        var offsets: [TopicPartition: Offset] = [:]
    }

    struct State: Sendable {
        var logs: [TopicPartition: [Stored]] = [:]
        var transactions: [String: Transaction] = [:]
        var committedOffsets: [TopicPartition: Offset] = [:]
    }

    private let partitionCounts: [String: Int32]
    let state = Mutex(State())

    /// Topics by name with their numbers of partitions.
    public init(_ partitionCounts: [String: Int32]) {
        self.partitionCounts = partitionCounts
    }

    /// A source of these topics.
    public func source(_ topics: [String]) -> some GroupSource {
        MemorySource(log: self, topics: topics)
    }

    /// A sink for any of the topics.
    public func sink() -> some RecordSink {
        MemorySink(log: self)
    }

    /// A sink for any of the topics that writes in transactions.
    public func sink(transactionalID: String) -> some TransactionalSink {
        MemoryTransactionalSink(log: self, id: transactionalID)
    }

    /// The values of a partition's records from the beginning; a tombstone is empty.
    public func values(of partition: TopicPartition) -> [[UInt8]] {
        visible(partition).map { $0.value ?? [] }
    }

    /// The headers of a partition's records from the beginning.
    public func headers(of partition: TopicPartition) -> [[RecordHeader]] {
        visible(partition).map(\.headers)
    }

    /// The offsets that were committed with transactions.
    public var committedOffsets: [TopicPartition: Offset] { state.withLock { $0.committedOffsets } }

    private func visible(_ partition: TopicPartition) -> [Stored] {
        state.withLock { state in
            state.logs[partition, default: []].prefix(Self.end(of: partition, state))
                .filter(\.isVisible)
        }
    }

    func partitionCount(of topic: String) throws(StreamError) -> Int32 {
        guard let count = partitionCounts[topic] else {
            throw StreamError(
                .unknownTopic,
                "topic \"\(topic)\" does not exist",
                remedy: "name one that does"
            )
        }
        return count
    }

    /// Where a record belongs.
    func log(of record: OutgoingRecord) throws(StreamError) -> TopicPartition {
        let count = try partitionCount(of: record.topic)
        let hash = (record.key ?? []).reduce(UInt32(17)) { $0 &* 31 &+ UInt32($1) }
        let partition = record.partition ?? Int32(hash % UInt32(count))
        return TopicPartition(topic: record.topic, partition: partition)
    }

    static func append(
        _ record: OutgoingRecord,
        to log: TopicPartition,
        transactionalID: String?,
        _ state: inout State
    ) -> Offset {
        let stored = Stored(
            timestamp: record.timestamp ?? -1,
            key: record.key,
            value: record.value,
            headers: record.headers,
            transactionalID: transactionalID
        )
        state.logs[log, default: []].append(stored)
        return Offset(state.logs[log, default: []].count - 1)
    }

    /// The visible records from an offset on, and the offset after the last that was looked at.
    func read(
        _ partition: TopicPartition,
        from offset: Offset,
        maximumCount: Int
    ) -> (records: [(offset: Offset, Stored)], next: Offset) {
        state.withLock { state in
            let end = Self.end(of: partition, state)
            let records = state.logs[partition, default: []]
            var (found, next): ([(offset: Offset, Stored)], Int) = ([], Int(offset))
            while next < end, found.count < maximumCount {
                if records[next].isVisible { found.append((Offset(next), records[next])) }
                next += 1
            }
            return (found, Offset(next))
        }
    }

    /// Where the first undecided transaction begins, or the end of the log.
    func end(of partition: TopicPartition) -> Offset {
        state.withLock { Offset(Self.end(of: partition, $0)) }
    }

    private static func end(of partition: TopicPartition, _ state: State) -> Int {
        let undecided = state.transactions.values.compactMap { $0.partitions[partition] }.min()
        return undecided.map { Int($0) } ?? state.logs[partition, default: []].count
    }
}

private final class MemorySource: GroupSource {
    let topics: [String]
    private let log: MemoryLog
    private var positions: [TopicPartition: Offset] = [:]
    private var paused: Set<TopicPartition> = []

    init(log: MemoryLog, topics: [String]) {
        self.log = log
        self.topics = topics
    }

    func assign(_ positions: [TopicPartition: Offset]) {
        self.positions = positions
        paused = []
    }

    func partitions(of topic: String, timeout: Duration) throws(StreamError) -> [TopicPartition] {
        (0..<(try log.partitionCount(of: topic))).map {
            TopicPartition(topic: topic, partition: $0)
        }
    }

    func poll(maximumCount: Int, timeout: Duration) -> RecordBatch {
        var records: [Record] = []
        var headers: [[RecordHeader]] = []
        var memory: [UnsafeMutableRawBufferPointer] = []
        func copy(_ bytes: [UInt8]?) -> UnsafeRawBufferPointer? {
            guard let bytes else { return nil }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            memory.append(copy)
            return UnsafeRawBufferPointer(copy)
        }
        for (partition, position) in positions.sorted(by: { $0.key < $1.key })
        where !paused.contains(partition) {
            let room = maximumCount - records.count
            guard room > 0, let topicIndex = topics.firstIndex(of: partition.topic) else {
                continue
            }
            let (found, next) = log.read(partition, from: position, maximumCount: room)
            for (offset, stored) in found {
                records.append(
                    Record(
                        topicIndex: Int32(topicIndex),
                        partition: partition.partition,
                        offset: offset,
                        timestamp: stored.timestamp,
                        key: copy(stored.key),
                        value: copy(stored.value)
                    )
                )
                headers.append(stored.headers)
            }
            positions[partition] = next
        }
        let (owned, allHeaders) = (memory, headers)
        return RecordBatch(
            records: records,
            headers: { allHeaders[$0] },
            release: { owned.forEach { $0.deallocate() } }
        )
    }

    func watermarks(
        of partition: TopicPartition,
        timeout: Duration
    ) -> (first: Offset, end: Offset) {
        (0, log.end(of: partition))
    }

    func rewind(_ positions: [TopicPartition: Offset], timeout: Duration) {
        for (partition, offset) in positions where self.positions[partition] != nil {
            self.positions[partition] = log.committedOffsets[partition] ?? offset
        }
    }

    func reachedEnd(of partition: TopicPartition) -> Offset? {
        guard let position = positions[partition], position >= log.end(of: partition) else {
            return nil
        }
        return position
    }

    func pause(_ partitions: [TopicPartition]) { paused.formUnion(partitions) }
    func resume(_ partitions: [TopicPartition]) { paused.subtract(partitions) }
    func commit(_ positions: [TopicPartition: Offset]) {}
    func takeNotices() -> [StreamNotice] { [] }
}

private final class MemorySink: RecordSink {
    private let log: MemoryLog
    private var deliveries: [Delivery] = []

    init(log: MemoryLog) {
        self.log = log
    }

    func send(_ record: OutgoingRecord, token: UInt64) throws(StreamError) {
        let partition = try log.log(of: record)
        let offset = log.state.withLock {
            MemoryLog.append(record, to: partition, transactionalID: nil, &$0)
        }
        deliveries.append(
            Delivery(token: token, partition: partition.partition, offset: offset, error: nil)
        )
    }

    func takeDeliveries() -> [Delivery] {
        defer { deliveries = [] }
        return deliveries
    }

    func flush(timeout: Duration) -> Bool { true }
    func takeNotices() -> [StreamNotice] { [] }
}
