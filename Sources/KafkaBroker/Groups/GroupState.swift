import Foundation
import KafkaWire

/// One consumer group: who is in it, in which generation, and how far it has read.
///
/// A pure state machine: no I/O and no clock. Each input is a method that is told the time; what
/// must happen outside (answer a waiting request, store the group) is left in an output, which the
/// owner takes after each input. When `nextDeadline` has come, the owner calls `expire`.
///
/// A generation begins with *joining*: all members send JoinGroup and wait. When all are there, or
/// time is up, each gets its answer, and the leader all members' metadata. Then *syncing*: all send
/// SyncGroup and wait until the leader's brings the assignment, which the broker does not read.
///
/// What `Codable` covers of it is stored, so that a restart of the broker causes no rebalance;
/// offsets are stored one by one.
struct GroupState: Sendable, Codable {
    /// Where in its cycle a group is; the text is what clients are shown.
    enum Phase: String, Sendable {
        case empty = "Empty"
        /// Members are joining.
        case preparingRebalance = "PreparingRebalance"
        /// Members are syncing.
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    let id: String
    var generation: Int32 = 0
    /// Nil for a group that only ever stored offsets.
    var protocolType: String?
    var protocolName: String?
    var leaderID: String?
    /// In the order in which they came.
    var members: [GroupMember] = []
    /// When the last member left, in milliseconds since 1970; nil while there are members.
    var emptySince: Int64?

    private(set) var limits = GroupLimits()
    var phase: Phase = .empty
    /// Member ids that were given out but have not joined yet, and when they lapse.
    var pendingIDs: [String: Int64] = [:]
    /// While joining, when that ends; then, until when members may sync.
    var deadline: Int64?
    /// How much longer the first generation may wait for members that start at the same time (see
    /// `GroupLimits.initialRebalanceDelay`); nil when another is prepared.
    var initialDelayLeft: Int64?
    /// Whether a member came since the initial delay began or was last extended.
    var hasNewMember = false
    var offsets: [OffsetKey: CommittedOffset] = [:]
    /// Offsets that count once their transaction is committed, by producer id.
    var pendingOffsets: [Int64: [OffsetKey: CommittedOffset]] = [:]
    private var output = GroupOutput()

    private enum CodingKeys: String, CodingKey {
        case id, generation, members
        case protocolType = "protocol_type"
        case protocolName = "protocol"
        case leaderID = "leader"
        case emptySince = "empty_since"
    }

    /// Makes a group without members.
    init(id: String, limits: GroupLimits, at now: Moment) {
        self.id = id
        self.limits = limits
        emptySince = now.date
    }

    /// Goes on after a restart: members get one session timeout to show up.
    mutating func resume(limits: GroupLimits, at now: Moment) {
        self.limits = limits
        guard !members.isEmpty else { return }
        phase = .stable
        for index in members.indices {
            members[index].isNew = false
            members[index].renewSession(at: now)
        }
    }

    /// Hands over what is to be done, and forgets it.
    mutating func takeOutput() -> GroupOutput {
        defer { output = GroupOutput() }
        return output
    }

    /// Has the group stored before anybody gets an answer to the present input.
    mutating func store() { output.mustStore = true }

    /// Has the ids of static members stored before anybody gets an answer to the present input.
    ///
    /// The generation that begins is stored when it has its assignment. After a restart before that
    /// the group goes on in the last one, where a static member's id of then would fence the member
    /// that has learned its new one.
    mutating func storeStaticMembers() {
        let ids = members.compactMap { member in member.instanceID.map { ($0, member.id) } }
        output.staticMembers = Dictionary(uniqueKeysWithValues: ids)
    }

    /// Gives static members other ids.
    ///
    /// - Parameter ids: Member ids by instance; an instance that is not in the group is left out.
    /// - Returns: Whether any id has changed.
    mutating func renameStaticMembers(_ ids: [String: String]) -> Bool {
        var isChanged = false
        for index in members.indices {
            let old = members[index].id
            guard let new = members[index].instanceID.flatMap({ ids[$0] }), new != old else {
                continue
            }
            members[index].id = new
            if leaderID == old { leaderID = new }
            isChanged = true
        }
        return isChanged
    }

    /// Whether nothing has ever come of the group.
    var isBlank: Bool { isObsolete && generation == 0 && protocolType == nil }

    /// Whether the group has nothing that is worth keeping.
    var isObsolete: Bool {
        phase == .empty && offsets.isEmpty && pendingOffsets.isEmpty && pendingIDs.isEmpty
    }
}

/// Looking at members, and answering them.
extension GroupState {
    func index(of memberID: String) -> Int? { members.firstIndex { $0.id == memberID } }

    func index(ofInstance instanceID: String?) -> Int? {
        instanceID.flatMap { id in members.firstIndex { $0.instanceID == id } }
    }

    /// The longest time any member may take to join or sync, in milliseconds.
    ///
    /// Version 0 has no such time; a client's 0 or less would end every rebalance at once.
    var rebalanceTimeout: Int64 {
        let timeouts = members.map {
            $0.rebalanceTimeout > 0 ? $0.rebalanceTimeout : $0.sessionTimeout
        }
        return Int64(timeouts.max() ?? 0)
    }

    /// Whether a request may speak for a member (rule 6), in this generation if that matters.
    func check(_ member: MemberReference, anyGeneration: Bool = false) -> ErrorCode {
        if let instanceID = member.instanceID {
            guard let index = index(ofInstance: instanceID) else { return .unknownMemberID }
            guard members[index].id == member.id else { return .fencedInstanceID }
        }
        guard index(of: member.id) != nil else { return .unknownMemberID }
        return anyGeneration || member.generation == generation ? .none : .illegalGeneration
    }

    mutating func answer(_ waiter: Waiter, _ answer: MemberAnswer) {
        output.answers.append((waiter, answer))
    }

    mutating func refuse(_ waiter: Waiter, _ error: ErrorCode, memberID: String) {
        answer(waiter, MemberAnswer(error: error, memberID: memberID))
    }

    /// Answers a member's request that waits, if there is one, with an error.
    mutating func refuse(_ member: GroupMember, _ error: ErrorCode) {
        if let waiter = member.waiter { refuse(waiter, error, memberID: member.id) }
    }

    /// The answer that says "you are in the present generation".
    func currentGeneration(for member: GroupMember) -> MemberAnswer {
        MemberAnswer(
            memberID: member.id,
            generation: generation,
            protocolType: protocolType,
            protocolName: protocolName,
            leaderID: leaderID ?? "",
            members: member.id == leaderID ? members : [],
            assignment: member.assignment
        )
    }
}
