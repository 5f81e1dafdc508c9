import Foundation
import KafkaWire

/// A client's wish to join.
struct JoinRequest: Sendable {
    /// Where the answer goes.
    var waiter: Waiter
    /// The id that the client says it has; empty if it has none yet.
    var memberID: String
    /// The client as a new member, under an id that was never used before.
    var member: GroupMember
    var protocolType: String
    /// Whether a new member must come back with the id it is given (version 4 and later).
    var requiresKnownID: Bool
    /// Whether a leader can be told not to assign again (version 9 and later).
    var canSkipAssignment: Bool
}

/// A member's request for its assignment, which the leader brings.
struct SyncRequest: Sendable {
    /// Where the answer goes.
    var waiter: Waiter
    var member: MemberReference
    /// Nil before version 5.
    var protocolType: String?
    /// Nil before version 5.
    var protocolName: String?
    /// By member id; from the leader only.
    var assignments: [String: Data]
}

/// The answer to a JoinGroup or a SyncGroup; each tells of it what its response has room for.
struct MemberAnswer: Sendable {
    var error: ErrorCode = .none
    var memberID: String
    var generation: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leaderID = ""
    /// Filled for the leader only.
    var members: [GroupMember] = []
    var skipAssignment = false
    var assignment = Data()
}

/// What a group wants its owner to do.
struct GroupOutput: Sendable {
    /// Whether the group must be stored before any of the answers is given.
    var mustStore = false
    /// The ids, by instance, that static members must have in what is stored before any of the
    /// answers is given; without meaning if the group is stored as a whole.
    var staticMembers: [String: String] = [:]
    var answers: [(waiter: Waiter, answer: MemberAnswer)] = []
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
