import KafkaWire

/// One consumer group: who is in it, in which generation, and how far it has read.
///
/// A pure state machine: no I/O and no clock. Each input is a method that is told the time; what
/// must happen outside (answer a waiting request, store something) is left in `actions`, which the
/// owner takes after each input. When `nextDeadline` has come, the owner calls `expire`.
///
/// A generation begins with *joining*: all members send JoinGroup and wait. When all are there, or
/// time is up, each gets its answer, and the leader all members' metadata. Then *syncing*: all send
/// SyncGroup and wait until the leader's brings the assignment, which the broker does not read.
struct GroupState: Sendable {
    /// Where in its cycle a group is; the text is what clients are shown.
    enum Phase: String, Sendable {
        case empty = "Empty"
        /// Members are joining.
        case preparingRebalance = "PreparingRebalance"
        /// Members are syncing.
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    /// The time in which members join.
    struct Joining: Sendable {
        var deadline: Int64
        /// The first generation waits for members that start at the same time; see
        /// `GroupLimits.initialRebalanceDelay`.
        var isInitial = false
        /// How much longer the initial delay may be extended.
        var remainingDelay: Int64 = 0
        /// Whether a member came since the delay began or was last extended.
        var hasNewMember = false
    }

    let id: String
    let limits: GroupLimits
    var phase: Phase = .empty
    var generation: Int32 = 0
    /// Nil for a group that only ever stored offsets.
    var protocolType: String?
    var protocolName: String?
    var leaderID: String?
    var members: [String: GroupMember] = [:]
    /// Counts members up, to keep the order in which they came.
    var nextOrder = 0
    /// Member ids that were given out but have not joined yet, and when they lapse.
    var pendingIDs: [String: Int64] = [:]
    /// The member that has each group instance id.
    var staticIDs: [String: String] = [:]
    /// Set exactly in the phase `preparingRebalance`.
    var joining: Joining?
    /// Members of this generation that have not sent SyncGroup, and until when they may.
    var unsyncedIDs: Set<String> = []
    var syncDeadline: Int64?
    var offsets: [OffsetKey: CommittedOffset] = [:]
    /// Offsets that count once their transaction is committed, by producer id.
    var pendingOffsets: [Int64: [OffsetKey: CommittedOffset]] = [:]
    /// When the last member left, in milliseconds since 1970; nil while there are members.
    var emptySince: Int64?
    /// What the owner has to do, in this order.
    private(set) var actions: [GroupAction] = []

    /// Makes a group without members.
    init(id: String, limits: GroupLimits, at now: Moment) {
        self.id = id
        self.limits = limits
        emptySince = now.date
    }

    /// Hands over what is to be done, and forgets it.
    mutating func takeActions() -> [GroupAction] {
        defer { actions = [] }
        return actions
    }

    mutating func act(_ action: GroupAction) { actions.append(action) }

    /// Whether nothing has ever come of the group.
    var isBlank: Bool {
        phase == .empty && generation == 0 && pendingIDs.isEmpty && offsets.isEmpty
            && pendingOffsets.isEmpty && protocolType == nil
    }
}

/// Looking at members.
extension GroupState {
    /// The members in the order in which they came.
    var orderedMembers: [GroupMember] { members.values.sorted { $0.order < $1.order } }

    /// The longest time any member may take to join or sync, in milliseconds.
    var rebalanceTimeout: Int64 { members.values.map { Int64($0.rebalanceTimeout) }.max() ?? 0 }

    /// Whether a request may speak for a member (rule 6).
    func check(memberID: String, instanceID: String?) -> ErrorCode {
        if let instanceID {
            guard let current = staticIDs[instanceID] else { return .unknownMemberID }
            guard current == memberID else { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : .none
    }

    /// As `check(memberID:instanceID:)`, and the request must be of this generation.
    func check(memberID: String, instanceID: String?, generation: Int32) -> ErrorCode {
        let error = check(memberID: memberID, instanceID: instanceID)
        guard error == .none else { return error }
        return generation == self.generation ? .none : .illegalGeneration
    }

    /// Notes that a member is alive.
    mutating func renewSession(of memberID: String, at now: Moment) {
        guard let member = members[memberID] else { return }
        members[memberID]?.sessionDeadline = now.uptime + Int64(member.sessionTimeout)
    }
}
