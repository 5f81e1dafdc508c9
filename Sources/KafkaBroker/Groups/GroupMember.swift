import Foundation

/// One member of a group; what `Codable` covers of it is stored.
struct GroupMember: Sendable, Codable {
    var id: String
    /// Set for a static member: one that keeps its place when it restarts.
    var instanceID: String?
    var clientID: String
    /// The client's address as tools show it, "/127.0.0.1".
    var clientHost: String
    /// Milliseconds without a sign of life after which the member is removed.
    var sessionTimeout: Int32
    /// Milliseconds that the member may take to join and to sync.
    var rebalanceTimeout: Int32
    /// The ways of assigning partitions that it knows, best first.
    var protocols: [GroupProtocol]
    var assignment = Data()

    /// When the member is removed, by the uptime clock, if `sessionIsRunning`.
    var sessionDeadline: Int64 = 0
    /// Whether it has not been in any generation yet.
    var isNew = true
    /// Whether it has joined the generation that is being prepared.
    var hasJoined = false
    /// Whether it is in the present generation and has not sent SyncGroup yet.
    var mustSync = false
    /// Its request that waits for an answer: JoinGroup if `hasJoined`, else SyncGroup.
    var waiter: Waiter?

    private enum CodingKeys: String, CodingKey {
        case id
        case instanceID = "instance"
        case clientID = "client"
        case clientHost = "host"
        case sessionTimeout, rebalanceTimeout, protocols, assignment
    }

    /// What it says to the leader about itself, for one way of assigning partitions.
    func metadata(for protocolName: String?) -> Data? {
        protocols.first { $0.name == protocolName }?.metadata
    }

    /// Whether the session ends at its deadline.
    ///
    /// It does not while a request waits here, since the client cannot send heartbeats before its
    /// answer. A new member is the exception: it does not know its id yet, so it may have gone and
    /// come back as another; its deadline is `GroupLimits.newMemberTimeout`.
    var sessionIsRunning: Bool { waiter == nil || isNew }

    /// Notes that it is alive.
    mutating func renewSession(at now: Moment) {
        sessionDeadline = now.uptime + Int64(sessionTimeout)
    }
}

/// A way of assigning partitions that a member knows, and what it tells the leader for it.
struct GroupProtocol: Sendable, Codable, Equatable {
    var name: String
    /// Read by the broker only to see what a consumer has subscribed to.
    var metadata: Data
}

/// How a request names the member that it comes from or is about.
struct MemberReference: Sendable {
    /// Empty for a client that has no member id.
    var id: String
    var instanceID: String?
    /// Negative for a client outside of any generation.
    var generation: Int32 = -1
}

/// A request that waits for its answer; a group keeps it and says what the answer is, its owner
/// gives that.
final class Waiter: Sendable {
    /// The connection that it came on, which has no other at the same time.
    let connection: ObjectIdentifier?
    /// To be called exactly once, from any thread; does not block.
    let reply: @Sendable (MemberAnswer) -> Void

    init(
        on connection: ObjectIdentifier? = nil,
        reply: @escaping @Sendable (MemberAnswer) -> Void
    ) {
        self.connection = connection
        self.reply = reply
    }
}

/// One instant on the two clocks that groups need, both in milliseconds.
struct Moment: Sendable {
    /// Never goes back; for timeouts.
    var uptime: Int64
    /// Since 1970; for what must hold across restarts.
    var date: Int64
}

/// The limits that hold for every group.
struct GroupLimits: Sendable, Equatable {
    /// `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
    var sessionTimeouts: ClosedRange<Int32> = 6_000...1_800_000
    /// `group.initial.rebalance.delay.ms`: how long the first generation waits for more members.
    ///
    /// 0 starts at once; two consumers started together then see one more rebalance.
    var initialRebalanceDelay: Int32 = 0
    /// `group.max.size`: most members, and most pending ids, of a group.
    var maximumSize = 1_000
    /// How long a new member may wait for its first generation, in milliseconds: as in Kafka.
    var newMemberTimeout: Int64 = 300_000
    /// Most bytes of text beside a committed offset: as in Kafka.
    var maximumOffsetMetadata = 4_096
}
