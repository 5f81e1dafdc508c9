import Dispatch
import KafkaWire
import Logging

/// All groups, and the requests that wait in them; confined to the coordinator's thread.
final class GroupRegistry {
    /// A group and what its owner notes about it.
    struct Entry {
        var state: GroupState
        /// Tells a group from an earlier one of the same id, for results that come late.
        let incarnation: UInt64
        /// Whether the group may be in the store, and must be deleted there to be forgotten.
        var isStored = false
        /// Commits that are on their way to the disk.
        var commitsInFlight = 0
        /// The time that stands in `deadlines` for this group.
        var armedDeadline: Int64?
    }

    let environment: GroupEnvironment
    private let inbox: Inbox<GroupCoordinator.Job>
    private(set) var groups: [String: Entry] = [:]
    /// The groups that have offsets of an open transaction, by producer id.
    private var pendingGroups: [Int64: Set<String>] = [:]
    /// At most one for each group, the latest first.
    private(set) var deadlines: [(time: Int64, groupID: String)] = []
    private var nextSweep: Int64
    private var lastIncarnation: UInt64 = 0

    /// Takes over what was stored.
    init(
        _ stored: [GroupState],
        _ environment: GroupEnvironment,
        inbox: Inbox<GroupCoordinator.Job>
    ) {
        self.environment = environment
        self.inbox = inbox
        let now = environment.now()
        nextSweep = now.uptime + environment.settings.retentionCheckInterval
        for var group in stored {
            group.resume(limits: environment.settings.limits, at: now)
            insert(group, isStored: true)
        }
    }

    var store: MetadataStore { environment.store }
    var settings: GroupSettings { environment.settings }
    private var logger: Logger { environment.logger }

    /// Works until the queue is closed, then answers all that still waits.
    func run() {
        while let jobs = inbox.takeAll(until: wakeUpTime) {
            for job in jobs { job(self) }
            expire()
        }
        for member in groups.values.flatMap(\.state.members) {
            member.waiter?.reply(.unavailable(member.id))
        }
    }

    private var wakeUpTime: DispatchTime {
        let next = min(deadlines.last?.time ?? .max, nextSweep)
        return DispatchTime(uptimeNanoseconds: UInt64(clamping: next) * 1_000_000)
    }
}

/// Access to groups.
extension GroupRegistry {
    /// Gives a group an input, then does what it asks for.
    ///
    /// - Parameters:
    ///   - id: The group.
    ///   - input: Must not touch this registry.
    /// - Returns: What the input returned; nil if there is no such group.
    @discardableResult
    func update<Value>(
        _ id: String,
        _ input: (inout GroupState, Moment) -> Value
    ) -> Value? {
        guard let index = groups.index(forKey: id) else { return nil }
        let value = input(&groups.values[index].state, environment.now())
        let output = groups.values[index].state.takeOutput()
        if output.mustStore {
            groups.values[index].isStored = true
            store.save(groups.values[index].state, completion: giving(output.answers, id))
        } else if !output.staticMembers.isEmpty {
            let ids = output.staticMembers
            store.renameStaticMembers(ids, ofGroup: id, completion: giving(output.answers, id))
        } else {
            for (waiter, answer) in output.answers { waiter.reply(answer) }
        }
        let entry = groups.values[index]
        if entry.state.isBlank, !entry.isStored, entry.commitsInFlight == 0 {
            remove(id)
        } else {
            arm(id)
        }
        return value
    }

    /// Makes a group if there is none with this id.
    ///
    /// - Returns: False if there are too many groups.
    func create(_ id: String) -> Bool {
        if groups[id] != nil { return true }
        guard groups.count < settings.maximumGroupCount else {
            logger.error(
                "a group was refused: there are \(groups.count) already; delete some",
                metadata: Self.metadata(id)
            )
            return false
        }
        insert(GroupState(id: id, limits: settings.limits, at: environment.now()), isStored: false)
        return true
    }

    private func insert(_ state: GroupState, isStored: Bool) {
        lastIncarnation += 1
        groups[state.id] = Entry(state: state, incarnation: lastIncarnation, isStored: isStored)
        for producerID in state.pendingOffsets.keys {
            pendingGroups[producerID, default: []].insert(state.id)
        }
        arm(state.id)
    }

    @discardableResult
    private func remove(_ id: String) -> GroupState? {
        disarm(id)
        return groups.removeValue(forKey: id)?.state
    }

    /// What gives answers once a group is stored.
    private func giving(
        _ answers: [(Waiter, MemberAnswer)],
        _ id: String
    ) -> MetadataStore.Completion {
        { [logger] result in
            if case .failure(let error) = result {
                let metadata = Self.metadata(id)
                logger.error("a group could not be stored: \(error)", metadata: metadata)
            }
            let isStored = result.errorCode == .none
            for (waiter, answer) in answers {
                // After a failure the clients find their coordinator again, and join once more.
                waiter.reply(isStored ? answer : .unavailable(answer.memberID))
            }
        }
    }

    private static func metadata(_ id: String) -> Logger.Metadata {
        ["group": "\(id.prefix(100).escapingControlCharacters)"]
    }
}

/// Deadlines.
extension GroupRegistry {
    /// Notes the next deadline of a group.
    ///
    /// A deadline that moves back is left where it is: `expire` then finds nothing to do and
    /// notes the right one.
    private func arm(_ id: String) {
        guard let entry = groups[id], let next = entry.state.nextDeadline,
            next < entry.armedDeadline ?? .max
        else { return }
        disarm(id)
        groups[id]?.armedDeadline = next
        let index = deadlines.firstIndex { $0.time <= next } ?? deadlines.endIndex
        deadlines.insert((next, id), at: index)
    }

    private func disarm(_ id: String) {
        guard let time = groups[id]?.armedDeadline else { return }
        groups[id]?.armedDeadline = nil
        deadlines.removeAll { $0.time == time && $0.groupID == id }
    }

    private func expire() {
        let time = environment.now().uptime
        while let next = deadlines.last, next.time <= time {
            disarm(next.groupID)
            update(next.groupID) { group, now in group.expire(at: now) }
        }
        guard time >= nextSweep else { return }
        nextSweep = time + settings.retentionCheckInterval
        for (id, entry) in groups where entry.commitsInFlight == 0 { sweep(id, entry.state) }
    }

    /// Drops offsets that are too old, and groups of which nothing is left (rule 18).
    private func sweep(_ id: String, _ group: GroupState) {
        if group.isObsolete { return delete(id) { _ in } }
        let expired = group.expiredOffsets(
            retention: settings.offsetsRetention,
            at: environment.now()
        )
        guard !expired.isEmpty else { return }
        // What could not be removed is found again the next time.
        removeOffsets(of: expired, inGroup: id) { _ in }
    }
}

/// Offsets, and the end of groups: each change first in the store, then here.
extension GroupRegistry {
    /// The partition of a topic, if there is one.
    func partition(_ index: Int32, of topic: String) -> OffsetKey? {
        guard let topic = store.topic(named: topic), (0..<topic.partitionCount).contains(index)
        else { return nil }
        return OffsetKey(topicID: topic.id, partition: index)
    }

    /// Stores offsets, then calls the completion.
    func commit(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        in transaction: OffsetTransaction? = nil,
        completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        groups[id]?.commitsInFlight += 1
        store.commit(
            offsets,
            ofGroup: id,
            in: transaction,
            completion: taking(id, completion) { registry, error in
                registry.groups[id]?.commitsInFlight -= 1
                if error == .none { registry.groups[id]?.isStored = true }
                let live = offsets.filter { registry.store.topic(id: $0.0.topicID) != nil }
                if let producerID = transaction?.producerID {
                    registry.pendingGroups[producerID, default: []].insert(id)
                }
                registry.update(id) { group, _ in
                    guard error == .none else { return }
                    group.apply(live, producerID: transaction?.producerID)
                }
            }
        )
    }

    /// Removes committed offsets, then calls the completion.
    func removeOffsets(
        of partitions: [OffsetKey],
        inGroup id: String,
        completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        store.removeOffsets(
            of: partitions,
            inGroup: id,
            completion: taking(id, completion) { registry, error in
                registry.update(id) { group, _ in
                    guard error == .none else { return }
                    for key in partitions { group.offsets[key] = nil }
                }
            }
        )
    }

    /// What takes over the result of a change of a group's offsets on this thread, unless the group
    /// has been deleted since, and then calls the completion.
    private func taking(
        _ id: String,
        _ completion: @escaping @Sendable (ErrorCode) -> Void,
        _ takeOver: @escaping @Sendable (GroupRegistry, ErrorCode) -> Void
    ) -> @Sendable (Result<ErrorCode, BrokerError>) -> Void {
        let incarnation = groups[id]?.incarnation
        return { [inbox] result in
            let error = result.errorCode
            let job: GroupCoordinator.Job = { registry in
                if registry.groups[id]?.incarnation == incarnation { takeOver(registry, error) }
                completion(error)
            }
            // The coordinator has stopped, but the change is done, and the client may know.
            if inbox.push(job) == .closed { completion(error) }
        }
    }

    /// Takes over or drops the offsets of a transaction in all groups; the store has done so.
    func endTransaction(producerID: Int64, isCommit: Bool) {
        for id in pendingGroups.removeValue(forKey: producerID) ?? [] {
            update(id) { group, now in
                group.endTransaction(producerID: producerID, isCommit: isCommit, at: now)
            }
        }
    }

    /// Forgets the offsets of a deleted topic in all groups; the store has done so already.
    func forgetTopic(_ topicID: UUID16) {
        for id in Array(groups.keys) { update(id) { group, _ in group.forgetTopic(topicID) } }
    }

    /// Deletes a group, then calls the completion, on any thread.
    func delete(_ id: String, completion: @escaping @Sendable (ErrorCode) -> Void) {
        guard let state = remove(id) else { return completion(.groupIDNotFound) }
        store.deleteGroup(id: id) { [inbox] result in
            let putBack: GroupCoordinator.Job = { registry in
                if registry.groups[id] == nil { registry.insert(state, isStored: true) }
            }
            if case .failure = result { _ = inbox.push(putBack) }
            completion(result.errorCode)
        }
    }
}

extension MemberAnswer {
    /// Has the client find its coordinator again, and join once more.
    fileprivate static func unavailable(_ memberID: String) -> MemberAnswer {
        MemberAnswer(error: .coordinatorNotAvailable, memberID: memberID)
    }
}

extension Result<ErrorCode, BrokerError> {
    /// The code that tells a client how it went.
    var errorCode: ErrorCode {
        switch self {
        case .success(let error): error
        case .failure(let error): error.errorCode
        }
    }
}
