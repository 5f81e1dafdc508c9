import KafkaWire

/// What a group wants its owner to do.
enum GroupAction: Sendable, Equatable {
    case answer(GroupAnswer)
    /// Store the group, and give the answers only when it is durable.
    case persist(StoredGroup, then: [GroupAnswer])
}

/// The answer to a request that waited, or could have.
enum GroupAnswer: Sendable, Equatable {
    case join(Waiter, JoinAnswer)
    case sync(Waiter, SyncAnswer)
}

/// A member's wish to join.
struct JoinRequest: Sendable {
    /// Empty for a client that has no member id yet.
    var memberID: String
    var instanceID: String?
    var clientID: String
    var clientHost: String
    var sessionTimeout: Int32
    var rebalanceTimeout: Int32
    var protocolType: String
    var protocols: [GroupProtocol]
    /// Whether a new member must come back with the id it is given (version 4 and later).
    var requiresKnownID: Bool
    /// Whether a leader can be told not to assign again (version 9 and later).
    var canSkipAssignment: Bool
    /// The id for the member, if it needs one; never used before.
    var newMemberID: String
}

/// The answer to a JoinGroup.
struct JoinAnswer: Sendable, Equatable {
    var error: ErrorCode = .none
    var generation: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leaderID = ""
    var skipAssignment = false
    var memberID: String
    /// Filled for the leader only.
    var members: [Member] = []

    /// What the leader learns about a member.
    struct Member: Sendable, Equatable {
        var id: String
        var instanceID: String?
        var metadata: [UInt8]
    }

    static func refusal(_ error: ErrorCode, memberID: String) -> JoinAnswer {
        JoinAnswer(error: error, memberID: memberID)
    }
}

/// A member's request for its assignment, which the leader brings.
struct SyncRequest: Sendable {
    var memberID: String
    var instanceID: String?
    var generation: Int32
    /// Nil before version 5.
    var protocolType: String?
    /// Nil before version 5.
    var protocolName: String?
    /// By member id; from the leader only.
    var assignments: [String: [UInt8]]
}

/// The answer to a SyncGroup.
struct SyncAnswer: Sendable, Equatable {
    var error: ErrorCode = .none
    var protocolType: String?
    var protocolName: String?
    var assignment: [UInt8] = []
}

/// A member that is to leave.
struct LeaveRequest: Sendable {
    var memberID: String
    var instanceID: String?
}

/// A partition whose offset a group commits; by topic id, so that a new topic of the same name
/// starts without the old one's offsets.
struct OffsetKey: Hashable, Sendable {
    var topicID: UUID16
    var partition: Int32
}

/// How far a group has read a partition.
struct CommittedOffset: Sendable, Equatable {
    /// The offset of the next record to read.
    var offset: Int64
    /// The leader epoch of the last record read; -1 if the client did not say.
    var leaderEpoch: Int32
    /// A text of the client's.
    var metadata: String
    /// When it was committed, in milliseconds since 1970.
    var date: Int64
}

/// A transaction that commits offsets of a group.
struct OffsetTransaction: Sendable {
    var transactionalID: String
    var producerID: Int64
    var producerEpoch: Int16
}

/// The offsets of a group as they are stored.
struct StoredOffsets: Sendable, Equatable {
    var committed: [OffsetKey: CommittedOffset] = [:]
    /// Those of open transactions, by producer id; their date is that of the transaction's end.
    var pending: [Int64: [OffsetKey: CommittedOffset]] = [:]
}

/// A group as it is stored.
struct StoredGroup: Sendable, Equatable {
    var id: String
    var generation: Int32
    var protocolType: String?
    var protocolName: String?
    var leaderID: String?
    var members: [StoredMember]
    var emptySince: Int64?
}

/// A member of a group as it is stored.
struct StoredMember: Sendable, Equatable {
    var id: String
    var instanceID: String?
    var clientID: String
    var clientHost: String
    var sessionTimeout: Int32
    var rebalanceTimeout: Int32
    var protocols: [GroupProtocol]
    var assignment: [UInt8]
}

/// A group as DescribeGroups shows it.
struct GroupDescription: Sendable, Equatable {
    var state: String
    var protocolType: String
    /// The chosen protocol; empty unless the group is stable.
    var protocolName: String
    var members: [Member]

    /// A member as DescribeGroups shows it.
    struct Member: Sendable, Equatable {
        var id: String
        var instanceID: String?
        var clientID: String
        var clientHost: String
        /// Empty unless the group is stable.
        var metadata: [UInt8]
        /// Empty unless the group is stable.
        var assignment: [UInt8]
    }

    /// What is said of a group that does not exist.
    static let dead = GroupDescription(
        state: "Dead",
        protocolType: "",
        protocolName: "",
        members: []
    )
}
