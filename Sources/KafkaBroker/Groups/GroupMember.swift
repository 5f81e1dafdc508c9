/// One member of a group.
struct GroupMember: Sendable, Equatable {
    let id: String
    /// Set for a static member: one that keeps its place when it restarts.
    let instanceID: String?
    let clientID: String
    /// The client's address as tools show it, "/127.0.0.1".
    let clientHost: String
    /// The place in the order in which members came.
    let order: Int
    /// Milliseconds without a sign of life after which the member is removed.
    var sessionTimeout: Int32
    /// Milliseconds that the member may take to join and to sync.
    var rebalanceTimeout: Int32
    /// The ways of assigning partitions that it knows, best first.
    var protocols: [GroupProtocol]
    var assignment: [UInt8] = []
    /// When the member is removed, by the uptime clock, unless it is waiting for an answer.
    var sessionDeadline: Int64
    /// Whether it has not been in any generation yet.
    var isNew = true
    /// Whether it has joined the generation that is being prepared.
    var hasJoined = false
    /// Its JoinGroup request that waits for an answer.
    var joinWaiter: Waiter?
    /// Its SyncGroup request that waits for an answer.
    var syncWaiter: Waiter?

    /// What it says to the leader about itself, for one way of assigning partitions.
    func metadata(for protocolName: String?) -> [UInt8] {
        protocols.first { $0.name == protocolName }?.metadata ?? []
    }

    /// Whether the session ends at its deadline.
    ///
    /// It does not while a request waits here, since the client cannot send heartbeats before its
    /// answer. A new member is the exception: it does not know its id yet, so it may have gone and
    /// come back as another; its deadline is `GroupLimits.newMemberTimeout`.
    var sessionIsRunning: Bool { syncWaiter == nil && (joinWaiter == nil || isNew) }
}

/// A way of assigning partitions that a member knows, and what it tells the leader for it.
struct GroupProtocol: Sendable, Equatable {
    var name: String
    /// Not read by the broker.
    var metadata: [UInt8]
}

/// A request that waits for its answer; made and resolved by the owner of the group.
struct Waiter: Hashable, Sendable {
    let number: UInt64
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
