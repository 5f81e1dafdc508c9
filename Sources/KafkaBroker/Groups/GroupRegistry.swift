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
        /// The deadline that stands in `deadlines` for this group.
        var armedDeadline: Int64?
    }

    let store: MetadataStore
    let settings: GroupSettings
    let endpoint: @Sendable () -> CoordinatorEndpoint
    let now: @Sendable () -> Moment
    private let checkOffsets: MetadataStore.OffsetCheck
    private let logger: Logger
    private let inbox: Inbox<GroupCoordinator.Job>
    private(set) var groups: [String: Entry] = [:]
    /// Sorted, the latest first.
    ///
    /// An entry counts only if it is its group's armed deadline.
    private var deadlines: [(time: Int64, groupID: String)] = []
    private var nextSweep: Int64
    private var joinReplies: [Waiter: (JoinAnswer) -> Void] = [:]
    private var syncReplies: [Waiter: (SyncAnswer) -> Void] = [:]
    private var lastNumber: UInt64 = 0

    init(
        store: MetadataStore,
        settings: GroupSettings,
        endpoint: @escaping @Sendable () -> CoordinatorEndpoint,
        checkOffsets: @escaping MetadataStore.OffsetCheck,
        logger: Logger,
        now: @escaping @Sendable () -> Moment,
        inbox: Inbox<GroupCoordinator.Job>
    ) {
        self.store = store
        self.settings = settings
        self.endpoint = endpoint
        self.checkOffsets = checkOffsets
        self.logger = logger
        self.now = now
        self.inbox = inbox
        nextSweep = now().uptime + settings.retentionCheckInterval
    }

    /// Takes over what was stored.
    func restore(_ stored: [(StoredGroup, StoredOffsets)]) {
        let now = now()
        for (group, offsets) in stored {
            let state = GroupState(group, offsets: offsets, limits: settings.limits, at: now)
            groups[group.id] = Entry(
                state: state,
                incarnation: nextNumber(),
                isStored: true
            )
            arm(group.id)
        }
    }

    /// Works until the queue is closed, then answers all that still waits.
    func run() {
        while let jobs = inbox.takeAll(until: wakeUpTime) {
            for job in jobs { job(self) }
            expire()
        }
        let error = ErrorCode.coordinatorNotAvailable
        for reply in joinReplies.values { reply(.refusal(error, memberID: "")) }
        for reply in syncReplies.values { reply(SyncAnswer(error: error)) }
    }

    private var wakeUpTime: DispatchTime {
        let next = min(deadlines.last?.time ?? .max, nextSweep)
        let milliseconds = UInt64(clamping: next)
        return DispatchTime(uptimeNanoseconds: milliseconds.multipliedWithoutOverflow(1_000_000))
    }

    /// A number that was not used before in this run.
    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }
}

/// Access to groups.
extension GroupRegistry {
    /// Gives a group an input, then does what it asks for.
    ///
    /// - Parameters:
    ///   - id: The group.
    ///   - onlyRenews: Whether the input can only move deadlines back, as a heartbeat does.
    ///   - input: Must not touch this registry.
    /// - Returns: What the input returned; nil if there is no such group.
    func update<Value>(
        _ id: String,
        onlyRenews: Bool = false,
        _ input: (inout GroupState, Moment) -> Value
    ) -> Value? {
        guard let index = groups.index(forKey: id) else { return nil }
        let value = input(&groups.values[index].state, now())
        for action in groups.values[index].state.takeActions() { perform(action) }
        if groups.values[index].state.isBlank, !groups.values[index].isStored {
            groups.remove(at: index)
        } else if !onlyRenews {
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
                metadata: ["group": "\(id.prefix(100).escapingControlCharacters)"]
            )
            return false
        }
        let state = GroupState(id: id, limits: settings.limits, at: now())
        groups[id] = Entry(state: state, incarnation: nextNumber())
        return true
    }

    /// Keeps a JoinGroup until it is answered.
    func park(join reply: @escaping (JoinAnswer) -> Void) -> Waiter {
        let waiter = Waiter(number: nextNumber())
        joinReplies[waiter] = reply
        return waiter
    }

    /// Keeps a SyncGroup until it is answered.
    func park(sync reply: @escaping (SyncAnswer) -> Void) -> Waiter {
        let waiter = Waiter(number: nextNumber())
        syncReplies[waiter] = reply
        return waiter
    }

    private func perform(_ action: GroupAction) {
        switch action {
        case .answer(let answer): give(answer)
        case .persist(let group, let answers):
            groups[group.id]?.isStored = true
            store.save(group) { [inbox] result in
                // When the queue is closed, `run` has answered or will.
                _ = inbox.push({ $0.persisted(group.id, result, answers) }, isReply: true)
            }
        }
    }

    private func persisted(
        _ id: String,
        _ result: Result<Void, BrokerError>,
        _ answers: [GroupAnswer]
    ) {
        guard case .failure(let error) = result else { return answers.forEach(give) }
        logger.error("a group could not be stored: \(error)", metadata: groupMetadata(id))
        for answer in answers {
            // The clients find their coordinator again, and join once more.
            switch answer {
            case .join(let waiter, let answer):
                let refusal = JoinAnswer.refusal(
                    .coordinatorNotAvailable,
                    memberID: answer.memberID
                )
                give(.join(waiter, refusal))
            case .sync(let waiter, _):
                give(.sync(waiter, SyncAnswer(error: .coordinatorNotAvailable)))
            }
        }
    }

    private func give(_ answer: GroupAnswer) {
        switch answer {
        case .join(let waiter, let answer):
            joinReplies.removeValue(forKey: waiter)?(answer)
        case .sync(let waiter, let answer):
            syncReplies.removeValue(forKey: waiter)?(answer)
        }
    }

    private func groupMetadata(_ id: String) -> Logger.Metadata {
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
        guard let entry = groups[id], let next = entry.state.nextDeadline else { return }
        if let armed = entry.armedDeadline, armed <= next { return }
        groups[id]?.armedDeadline = next
        let index = deadlines.partitioningIndex { $0.time <= next }
        deadlines.insert((next, id), at: index)
    }

    private func expire() {
        let time = now().uptime
        while let next = deadlines.last, next.time <= time {
            deadlines.removeLast()
            guard groups[next.groupID]?.armedDeadline == next.time else { continue }
            groups[next.groupID]?.armedDeadline = nil
            _ = update(next.groupID) { group, now in group.expire(at: now) }
        }
        guard time >= nextSweep else { return }
        nextSweep = time + settings.retentionCheckInterval
        sweep()
    }

    /// Drops offsets that are too old, and groups of which nothing is left (rule 18).
    private func sweep() {
        for id in Array(groups.keys) {
            let retention = settings.offsetsRetention
            let expired = update(id) { $0.expireOffsets(retention: retention, at: $1) } ?? []
            if !expired.isEmpty {
                store.remove(expired, ofGroup: id) { [logger] result in
                    guard case .failure(let error) = result else { return }
                    logger.error("old offsets could not be removed: \(error)")
                }
            }
            guard let entry = groups[id], entry.state.isObsolete, entry.commitsInFlight == 0
            else { continue }
            delete(id) { _ in }
        }
    }
}

/// Offsets, and the end of groups.
extension GroupRegistry {
    /// Stores offsets, then takes them over, then calls the completion on this thread.
    func commit(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        in transaction: OffsetTransaction? = nil,
        completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        groups[id]?.isStored = true
        groups[id]?.commitsInFlight += 1
        let incarnation = groups[id]?.incarnation
        let checked = transaction.map { ($0, check: checkOffsets) }
        store.commit(offsets, ofGroup: id, in: checked) { [inbox] result in
            let error = result.errorCode
            let job: GroupCoordinator.Job = { registry in
                let live = error == .none ? offsets : []
                registry.committed(live, id, incarnation, transaction?.producerID)
                completion(error)
            }
            // The coordinator has stopped, but the commit is done, and the client may know.
            if inbox.push(job, isReply: true) == .closed { completion(error) }
        }
    }

    private func committed(
        _ offsets: [(OffsetKey, CommittedOffset)],
        _ id: String,
        _ incarnation: UInt64?,
        _ producerID: Int64?
    ) {
        guard groups[id]?.incarnation == incarnation else { return }
        groups[id]?.commitsInFlight -= 1
        let live = offsets.filter { store.topic(id: $0.0.topicID) != nil }
        _ = update(id) { group, _ in group.apply(live, producerID: producerID) }
    }

    /// Takes over or drops the offsets of a transaction in all groups; the store has done so.
    func endTransaction(producerID: Int64, isCommit: Bool) {
        for (id, entry) in groups where entry.state.pendingOffsets[producerID] != nil {
            _ = update(id) { group, now in
                group.endTransaction(producerID: producerID, isCommit: isCommit, at: now)
            }
        }
    }

    /// Forgets the offsets of a deleted topic in all groups; the store has done so already.
    func forgetTopic(_ id: UUID16) {
        for groupID in Array(groups.keys) {
            _ = update(groupID) { group, _ in group.forgetTopic(id) }
        }
    }

    /// Deletes a group, then calls the completion, on any thread.
    func delete(_ id: String, completion: @escaping @Sendable (ErrorCode) -> Void) {
        guard let entry = groups.removeValue(forKey: id) else {
            return completion(.groupIDNotFound)
        }
        let state = entry.state
        store.deleteGroup(id: id) { [inbox] result in
            if case .failure = result {
                _ = inbox.push({ $0.putBack(state) }, isReply: true)
            }
            completion(result.errorCode)
        }
    }

    private func putBack(_ state: GroupState) {
        guard groups[state.id] == nil else { return }
        groups[state.id] = Entry(state: state, incarnation: nextNumber(), isStored: true)
        arm(state.id)
    }
}

extension Result<Void, BrokerError> {
    /// The code that tells a client how it went.
    var errorCode: ErrorCode { map { ErrorCode.none }.errorCode }
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

extension UInt64 {
    fileprivate func multipliedWithoutOverflow(_ factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}

extension Array {
    /// The first index whose element satisfies a condition that all later elements satisfy too.
    fileprivate func partitioningIndex(where condition: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
