/// The number that names one kind of request, the first field of every request.
public struct APIKey: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: Int16

    /// Wraps a number, known or not.
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// Append record batches.
    public static let produce = APIKey(rawValue: 0)
    /// Read record batches.
    public static let fetch = APIKey(rawValue: 1)
    /// Look up offsets by time.
    public static let listOffsets = APIKey(rawValue: 2)
    /// Describe brokers and topics.
    public static let metadata = APIKey(rawValue: 3)
    /// Store the progress of a group.
    public static let offsetCommit = APIKey(rawValue: 8)
    /// Read the progress of a group.
    public static let offsetFetch = APIKey(rawValue: 9)
    /// Find the broker of a group or a transactional id.
    public static let findCoordinator = APIKey(rawValue: 10)
    /// Enter a group.
    public static let joinGroup = APIKey(rawValue: 11)
    /// Stay in a group.
    public static let heartbeat = APIKey(rawValue: 12)
    /// Leave a group.
    public static let leaveGroup = APIKey(rawValue: 13)
    /// Exchange the assignment of a group.
    public static let syncGroup = APIKey(rawValue: 14)
    /// Describe groups.
    public static let describeGroups = APIKey(rawValue: 15)
    /// List groups.
    public static let listGroups = APIKey(rawValue: 16)
    /// List APIs and their versions.
    public static let apiVersions = APIKey(rawValue: 18)
    /// Create topics.
    public static let createTopics = APIKey(rawValue: 19)
    /// Delete topics.
    public static let deleteTopics = APIKey(rawValue: 20)
    /// Hide records before an offset.
    public static let deleteRecords = APIKey(rawValue: 21)
    /// Get a producer id.
    public static let initProducerId = APIKey(rawValue: 22)
    /// Find the end of a leader epoch.
    public static let offsetForLeaderEpoch = APIKey(rawValue: 23)
    /// Add partitions to a transaction.
    public static let addPartitionsToTxn = APIKey(rawValue: 24)
    /// Add the offsets of a group to a transaction.
    public static let addOffsetsToTxn = APIKey(rawValue: 25)
    /// Commit or abort a transaction.
    public static let endTxn = APIKey(rawValue: 26)
    /// Store the progress of a group in a transaction.
    public static let txnOffsetCommit = APIKey(rawValue: 28)
    /// List access rules.
    public static let describeAcls = APIKey(rawValue: 29)
    /// Create access rules.
    public static let createAcls = APIKey(rawValue: 30)
    /// Delete access rules.
    public static let deleteAcls = APIKey(rawValue: 31)
    /// Read settings.
    public static let describeConfigs = APIKey(rawValue: 32)
    /// Replace settings.
    public static let alterConfigs = APIKey(rawValue: 33)
    /// Tell the sizes of partitions.
    public static let describeLogDirs = APIKey(rawValue: 35)
    /// Add partitions to topics.
    public static let createPartitions = APIKey(rawValue: 37)
    /// Delete groups.
    public static let deleteGroups = APIKey(rawValue: 42)
    /// Elect leaders.
    public static let electLeaders = APIKey(rawValue: 43)
    /// Change single settings.
    public static let incrementalAlterConfigs = APIKey(rawValue: 44)
    /// List partitions on their way to other brokers.
    public static let listPartitionReassignments = APIKey(rawValue: 46)
    /// Forget the progress of a group.
    public static let offsetDelete = APIKey(rawValue: 47)
    /// Describe the cluster.
    public static let describeCluster = APIKey(rawValue: 60)
    /// List idempotent producers.
    public static let describeProducers = APIKey(rawValue: 61)
    /// Describe transactions.
    public static let describeTransactions = APIKey(rawValue: 65)
    /// List transactions.
    public static let listTransactions = APIKey(rawValue: 66)
    /// Describe topics, page by page.
    public static let describeTopicPartitions = APIKey(rawValue: 75)

    /// The number as text.
    public var description: String { "API key \(rawValue)" }
}
