// A log in memory, for tests and for measuring a learner without a broker. Topics are made by
// whoever writes to them first. Any number of sources and sinks, each on its own thread.
import Synchronization

/// Topics whose records live in this process only.
public final class MemoryLog: Sendable {
    fileprivate struct Stored: Sendable {
        var timestamp: Int64
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [RecordHeader]
    }

    private let partitionCounts: [String: Int32]
    private let logs = Mutex<[TopicPartition: [Stored]]>([:])

    /// Topics by name with their numbers of partitions.
    public init(_ partitionCounts: [String: Int32]) {
        self.partitionCounts = partitionCounts
    }

    /// A source of these topics.
    public func source(_ topics: [String]) -> some RecordSource {
        MemorySource(log: self, topics: topics)
    }

    /// A sink for any of the topics.
    public func sink() -> some RecordSink {
        MemorySink(log: self)
    }

    /// The values of a partition's records from the beginning; a tombstone is empty.
    public func values(of partition: TopicPartition) -> [[UInt8]] {
        logs.withLock { $0[partition, default: []].map { $0.value ?? [] } }
    }

    /// The headers of a partition's records from the beginning.
    public func headers(of partition: TopicPartition) -> [[RecordHeader]] {
        logs.withLock { $0[partition, default: []].map(\.headers) }
    }

    fileprivate func partitionCount(of topic: String) throws(StreamError) -> Int32 {
        guard let count = partitionCounts[topic] else {
            throw StreamError(
                .unknownTopic,
                "topic \"\(topic)\" does not exist",
                remedy: "name one that does"
            )
        }
        return count
    }

    fileprivate func append(_ record: OutgoingRecord) throws(StreamError) -> (Int32, Offset) {
        let count = try partitionCount(of: record.topic)
        let hash = (record.key ?? []).reduce(UInt32(17)) { $0 &* 31 &+ UInt32($1) }
        let partition = record.partition ?? Int32(hash % UInt32(count))
        let stored = Stored(
            timestamp: record.timestamp ?? -1,
            key: record.key,
            value: record.value,
            headers: record.headers
        )
        let log = TopicPartition(topic: record.topic, partition: partition)
        return logs.withLock { logs in
            logs[log, default: []].append(stored)
            return (partition, Offset(logs[log, default: []].count - 1))
        }
    }

    fileprivate func read(
        _ partition: TopicPartition,
        from offset: Offset,
        maximumCount: Int
    ) -> ArraySlice<Stored> {
        logs.withLock { logs in
            let records = logs[partition, default: []]
            return records.dropFirst(Int(offset)).prefix(maximumCount)
        }
    }

    fileprivate func end(of partition: TopicPartition) -> Offset {
        logs.withLock { Offset($0[partition, default: []].count) }
    }
}

private final class MemorySource: RecordSource {
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
            var offset = position
            for stored in log.read(partition, from: position, maximumCount: room) {
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
                offset += 1
            }
            positions[partition] = offset
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
        let (partition, offset) = try log.append(record)
        deliveries.append(
            Delivery(token: token, partition: partition, offset: offset, error: nil)
        )
    }

    func takeDeliveries() -> [Delivery] {
        defer { deliveries = [] }
        return deliveries
    }

    func flush(timeout: Duration) -> Bool { true }
    func takeNotices() -> [StreamNotice] { [] }
}
