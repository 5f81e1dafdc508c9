/// What a model was built anew without.
public enum Exclusion: Codable, Hashable, Sendable {
    /// Offsets that were learned before and are left out.
    case offsets(OffsetRange)
    /// The events of a user, who is named by a salted hash: the store must not know whom it forgot.
    case user(saltedHash: String)
}

/// A line of learning: what its beginning has learned, then the journal from `start` on.
///
/// The journal of a model is one sequence that is never cut; going back or building anew begins a
/// branch. What a state on the branch at journal position P has learned is, in this order, what the
/// parent had learned at `parentPosition`, without the exclusions, and the journal from `start` to
/// before P. A model's first branch, the root, begins with nothing.
public struct Branch: Codable, Hashable, Sendable {
    /// Its number, unique in the store.
    public let id: Int64
    /// The model.
    public let model: String
    /// The branch that it began from; nil for the root.
    public let parent: Int64?
    /// How much of the parent it has learned: a position in the journal.
    public let parentPosition: Int64
    /// The version of the parent whose state it began with, after a rollback; nil when it began with
    /// a state of its own, or with nothing.
    public let parentVersion: Int64?
    /// Where in the journal its own learning begins.
    public let start: Int64
    /// What of the parent's learning it leaves out.
    public let exclusions: [Exclusion]
    /// Why it was begun; empty for the root.
    public let reason: String
    /// When it was begun, in milliseconds since 1970; 0 for the root.
    public let createdAt: Int64
}

/// A part of what a state has learned, in the order of learning.
public struct LineageSegment: Codable, Hashable, Sendable {
    /// The offsets.
    public var ranges: [OffsetRange]
    /// The salted hashes of users whose events among them were left out, in ascending order.
    public var withoutUsers: [String]

    /// Describes a part.
    public init(ranges: [OffsetRange], withoutUsers: [String]) {
        self.ranges = ranges
        self.withoutUsers = withoutUsers
    }
}
