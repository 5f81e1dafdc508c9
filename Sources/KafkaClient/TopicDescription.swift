/// A topic to be created.
public struct NewTopic: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// How many partitions it gets; -1 lets the broker choose.
    public var partitionCount: Int
    /// On how many brokers each partition is kept; -1 lets the broker choose.
    public var replicationFactor: Int
    /// Kafka's topic properties, such as `cleanup.policy`.
    public var configuration: [String: String]

    /// Describes a topic to be created.
    public init(
        name: String,
        partitionCount: Int,
        replicationFactor: Int = -1,
        configuration: [String: String] = [:]
    ) {
        self.name = name
        self.partitionCount = partitionCount
        self.replicationFactor = replicationFactor
        self.configuration = configuration
    }
}

/// A topic that exists.
public struct TopicDescription: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// How many partitions it has.
    public var partitionCount: Int
    /// On how many brokers its first partition is kept.
    public var replicationFactor: Int
    /// Kafka's topic properties that were set for this topic; defaults are left out.
    public var configuration: [String: String]
    /// Why `configuration` is not known, and therefore empty; nil when it is known.
    ///
    /// Brokers may not support the question or not allow it.
    public var configurationProblem: String?

    /// Describes a topic that exists.
    public init(
        name: String,
        partitionCount: Int,
        replicationFactor: Int,
        configuration: [String: String],
        configurationProblem: String? = nil
    ) {
        self.name = name
        self.partitionCount = partitionCount
        self.replicationFactor = replicationFactor
        self.configuration = configuration
        self.configurationProblem = configurationProblem
    }
}

/// How far a consumer group has come in one partition.
public struct GroupPosition: Sendable, Equatable {
    /// The offset of the next record that the group will read.
    public var committed: Int64
    /// The offset that the partition's next record will get.
    public var end: Int64
    /// How many offsets lie between them.
    public var lag: Int64 { max(end - committed, 0) }

    /// Describes a position.
    public init(committed: Int64, end: Int64) {
        self.committed = committed
        self.end = end
    }
}
