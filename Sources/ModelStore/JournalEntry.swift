/// Consecutive offsets of one partition.
public struct OffsetRange: Codable, Hashable, Sendable {
    /// The topic.
    public var topic: String
    /// The partition.
    public var partition: Int32
    /// The first offset.
    public var first: Int64
    /// The last offset, inclusive.
    public var last: Int64

    /// How many offsets it spans.
    public var count: Int64 { last - first + 1 }

    /// Describes a range.
    public init(topic: String, partition: Int32, first: Int64, last: Int64) {
        self.topic = topic
        self.partition = partition
        self.first = first
        self.last = last
    }
}

/// Where to go on in one partition.
public struct OffsetPosition: Codable, Hashable, Sendable {
    /// The topic.
    public var topic: String
    /// The partition.
    public var partition: Int32
    /// The offset to read next.
    public var offset: Int64

    /// Describes a position.
    public init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// Offsets that a model has learned, and when in the order of learning.
public struct JournalEntry: Codable, Hashable, Sendable {
    /// How many offsets the journal holds before this entry.
    public var position: Int64
    /// The trainer's epoch.
    public var epoch: Int64
    /// What was learned.
    public var range: OffsetRange

    /// Describes an entry.
    public init(position: Int64, epoch: Int64, range: OffsetRange) {
        self.position = position
        self.epoch = epoch
        self.range = range
    }
}
