/// Where records are read from.
///
/// Owned by one thread; every call blocks at most as long as stated.
///
/// A source reconnects by itself when the log is unreachable: `poll` then returns empty batches, and
/// `takeNotices` says what happened. It throws only when going on is pointless.
public protocol RecordSource: AnyObject {
    /// The topics whose records it returns; `Record.topicIndex` counts in this list.
    var topics: [String] { get }

    /// Reads exactly these partitions, each from the offset given, and no others.
    func assign(_ positions: [TopicPartition: Offset]) throws(StreamError)

    /// The partitions of a topic, ascending. Blocks up to `timeout`.
    func partitions(of topic: String, timeout: Duration) throws(StreamError) -> [TopicPartition]

    /// The next records, at most `maximumCount`; empty when none came within `timeout`.
    func poll(maximumCount: Int, timeout: Duration) throws(StreamError) -> RecordBatch

    /// First offset still in the log, and the offset that the next record will get.
    func watermarks(
        of partition: TopicPartition,
        timeout: Duration
    ) throws(StreamError) -> (first: Offset, end: Offset)

    /// Up to where a partition has been read, if reading last found nothing more there; nil before.
    ///
    /// Every record before it has been polled. It may lie beyond the last record: a log has offsets
    /// without records, such as those of the ends of transactions.
    func reachedEnd(of partition: TopicPartition) -> Offset?

    /// Stops returning records of these partitions until `resume`; their positions are kept.
    func pause(_ partitions: [TopicPartition]) throws(StreamError)

    /// Goes on returning records of these partitions.
    func resume(_ partitions: [TopicPartition]) throws(StreamError)

    /// Stores, for lag tools, the offsets of the next records to be read. Does not wait.
    func commit(_ positions: [TopicPartition: Offset]) throws(StreamError)

    /// What happened since the last call: broker lost, broker back, partitions assigned or revoked.
    func takeNotices() -> [StreamNotice]
}

/// Something that a source or sink noticed and dealt with by itself.
public enum StreamNotice: Sendable, Equatable {
    /// No broker can be reached, as the text says with the address. Reconnecting goes on.
    case disconnected(String)
    /// A broker can be reached again.
    case connected
    /// A group gave these partitions to this member.
    case assigned([TopicPartition])
    /// A group took these partitions from this member.
    case revoked([TopicPartition])
    /// Something else worth a log line.
    case warning(String)
}
