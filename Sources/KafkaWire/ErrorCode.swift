/// The result code of a request or of a part of it.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, Error, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: Int16

    /// Wraps a number, known or not.
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// The broker failed in a way it did not foresee.
    public static let unknownServerError = ErrorCode(rawValue: -1)
    /// No error.
    public static let none = ErrorCode(rawValue: 0)
    /// The offset is outside the log.
    public static let offsetOutOfRange = ErrorCode(rawValue: 1)
    /// The batch fails its checksum or is cut.
    public static let corruptMessage = ErrorCode(rawValue: 2)
    /// The topic or partition does not exist.
    public static let unknownTopicOrPartition = ErrorCode(rawValue: 3)
    /// The batch is larger than the topic allows.
    public static let messageTooLarge = ErrorCode(rawValue: 10)
    /// The text beside a committed offset is too long.
    public static let offsetMetadataTooLarge = ErrorCode(rawValue: 12)
    /// The coordinator is starting.
    public static let coordinatorLoadInProgress = ErrorCode(rawValue: 14)
    /// There is no coordinator.
    public static let coordinatorNotAvailable = ErrorCode(rawValue: 15)
    /// The topic's name is not allowed.
    public static let invalidTopic = ErrorCode(rawValue: 17)
    /// The batch is larger than a segment.
    public static let recordListTooLarge = ErrorCode(rawValue: 18)
    /// The request's acks is none of -1, 0 and 1.
    public static let invalidRequiredAcks = ErrorCode(rawValue: 21)
    /// The member speaks of another generation of its group.
    public static let illegalGeneration = ErrorCode(rawValue: 22)
    /// The member shares no protocol with its group.
    public static let inconsistentGroupProtocol = ErrorCode(rawValue: 23)
    /// The group id is missing.
    public static let invalidGroupID = ErrorCode(rawValue: 24)
    /// The member is not in the group.
    public static let unknownMemberID = ErrorCode(rawValue: 25)
    /// The session timeout is outside the allowed range.
    public static let invalidSessionTimeout = ErrorCode(rawValue: 26)
    /// The group is rebalancing; join again.
    public static let rebalanceInProgress = ErrorCode(rawValue: 27)
    /// A record's time is not allowed.
    public static let invalidTimestamp = ErrorCode(rawValue: 32)
    /// The API version is not supported.
    public static let unsupportedVersion = ErrorCode(rawValue: 35)
    /// The topic exists.
    public static let topicAlreadyExists = ErrorCode(rawValue: 36)
    /// The number of partitions is not allowed.
    public static let invalidPartitions = ErrorCode(rawValue: 37)
    /// The replication factor is not allowed.
    public static let invalidReplicationFactor = ErrorCode(rawValue: 38)
    /// The assignment of replicas is not allowed.
    public static let invalidReplicaAssignment = ErrorCode(rawValue: 39)
    /// A setting is unknown or its value not allowed.
    public static let invalidConfig = ErrorCode(rawValue: 40)
    /// The request contradicts itself.
    public static let invalidRequest = ErrorCode(rawValue: 42)
    /// A policy of the broker forbids it.
    public static let policyViolation = ErrorCode(rawValue: 44)
    /// An idempotent batch leaves a gap before it.
    public static let outOfOrderSequenceNumber = ErrorCode(rawValue: 45)
    /// The producer's epoch is older than the newest one.
    public static let invalidProducerEpoch = ErrorCode(rawValue: 47)
    /// The transaction is in the wrong state for that.
    public static let invalidTransactionState = ErrorCode(rawValue: 48)
    /// The producer id does not belong to the transactional id.
    public static let invalidProducerIDMapping = ErrorCode(rawValue: 49)
    /// The transaction timeout is not allowed.
    public static let invalidTransactionTimeout = ErrorCode(rawValue: 50)
    /// Another operation on the transaction is under way.
    public static let concurrentTransactions = ErrorCode(rawValue: 51)
    /// The transactional id may not be used.
    public static let transactionalIDAuthorizationFailed = ErrorCode(rawValue: 53)
    /// There is no authorizer.
    public static let securityDisabled = ErrorCode(rawValue: 54)
    /// Another part of the request failed first.
    public static let operationNotAttempted = ErrorCode(rawValue: 55)
    /// The disk failed.
    public static let kafkaStorageError = ErrorCode(rawValue: 56)
    /// The group has members.
    public static let nonEmptyGroup = ErrorCode(rawValue: 68)
    /// The group does not exist.
    public static let groupIDNotFound = ErrorCode(rawValue: 69)
    /// The fetch session does not exist.
    public static let fetchSessionIDNotFound = ErrorCode(rawValue: 70)
    /// The client's leader epoch is older than the broker's.
    public static let fencedLeaderEpoch = ErrorCode(rawValue: 74)
    /// The client's leader epoch is newer than the broker's.
    public static let unknownLeaderEpoch = ErrorCode(rawValue: 75)
    /// The codec may not be used with this version.
    public static let unsupportedCompressionType = ErrorCode(rawValue: 76)
    /// Join again with the member id of this answer.
    public static let memberIDRequired = ErrorCode(rawValue: 79)
    /// The group is full.
    public static let groupMaxSizeReached = ErrorCode(rawValue: 81)
    /// Another member has taken the group instance id over.
    public static let fencedInstanceID = ErrorCode(rawValue: 82)
    /// The leader is elected already.
    public static let electionNotNeeded = ErrorCode(rawValue: 84)
    /// The group still reads the topic.
    public static let groupSubscribedToTopic = ErrorCode(rawValue: 86)
    /// A record or batch breaks a rule.
    public static let invalidRecord = ErrorCode(rawValue: 87)
    /// A transaction that commits offsets is open.
    public static let unstableOffsetCommit = ErrorCode(rawValue: 88)
    /// A newer producer with the same transactional id exists.
    public static let producerFenced = ErrorCode(rawValue: 90)
    /// The topic id does not exist.
    public static let unknownTopicID = ErrorCode(rawValue: 100)
    /// The transactional id does not exist.
    public static let transactionalIDNotFound = ErrorCode(rawValue: 105)

    /// The number as text.
    public var description: String { "Kafka error \(rawValue)" }
}
