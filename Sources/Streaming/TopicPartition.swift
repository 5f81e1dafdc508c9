/// The position of a record in its partition; the first record has offset 0.
public typealias Offset = Int64

/// One partition of a topic.
public struct TopicPartition: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The topic's name.
    public var topic: String
    /// The partition's number, from 0.
    public var partition: Int32

    /// Names a partition.
    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// Orders by topic, then by partition number.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }

    /// `interactions[3]`.
    public var description: String { "\(topic)[\(partition)]" }
}
