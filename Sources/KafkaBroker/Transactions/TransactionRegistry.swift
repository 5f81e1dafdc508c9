import Dispatch
import KafkaWire
import Logging

/// All transactional ids, and what their transactions wait for; confined to the coordinator's
/// thread.
///
/// Each change goes the same way: `TransactionState` decides, the store makes it durable, and then
/// comes what follows from it: markers, and the end of the transaction, which is a change again.
final class TransactionRegistry {
    typealias Outcome = TransactionCoordinator.Outcome

    /// A transactional id and what its owner notes about it.
    private struct Entry {
        var state: TransactionState
        /// Whom to answer when everything is done; all others are refused meanwhile.
        var reply: (@Sendable (Outcome) -> Void)?
        /// The partitions of a prepared transaction that have no marker yet.
        var unmarked: Set<PartitionID> = []
        /// Whether markers are being written.
        var isMarking = false
        /// Whether a marker may have been written before: then one is written only where the
        /// transaction is open.
        var isRetry = false
    }

    private let environment: TransactionEnvironment
    /// Has something done here later, unless the thread has ended.
    private let post: @Sendable (@escaping TransactionCoordinator.Job) -> Void
    private var entries: [String: Entry] = [:]
    /// Those that are ongoing or prepared.
    private var activeIDs: Set<String> = []
    private var nextCheck = DispatchTime.now()
    private var nextSweep = DispatchTime.now()

    init(
        _ environment: TransactionEnvironment,
        post: @escaping @Sendable (@escaping TransactionCoordinator.Job) -> Void
    ) {
        self.environment = environment
        self.post = post
    }

    /// Works until the queue is closed, then answers all that still waits.
    func run(_ inbox: Inbox<TransactionCoordinator.Job>) {
        while let jobs = inbox.takeAll(until: activeIDs.isEmpty ? nextSweep : nextCheck) {
            for job in jobs { job(self) }
            checkTime()
        }
        for id in entries.keys { answer(id, .failure(.coordinatorNotAvailable)) }
    }

    /// All transactional ids as they are stored.
    var transactions: [TransactionMetadata] { entries.values.map(\.state.current) }

    /// A transactional id as it is stored; nil if there is none.
    func transaction(_ id: String) -> TransactionMetadata? { entries[id]?.state.current }

    private func metadata(_ id: String) -> Logger.Metadata {
        ["transactional id": "\(id.prefix(100).escapingControlCharacters)"]
    }
}

/// Changes.
extension TransactionRegistry {
    /// Gives a transactional id an input, and sees to what follows from it.
    ///
    /// - Parameters:
    ///   - id: The transactional id.
    ///   - isNew: Whether it is made if it does not exist.
    ///   - input: Is told the time.
    ///   - reply: Called once, on this thread, when everything is done.
    func change(
        _ id: String,
        creating isNew: Bool = false,
        _ input: (inout TransactionState, Int64) -> TransactionState.Step?,
        reply: (@Sendable (Outcome) -> Void)? = nil
    ) {
        let now = environment.now()
        if isNew, entries[id] == nil {
            guard entries.count < environment.settings.maximumCount else {
                environment.logger.error("there are too many transactional ids: one was refused")
                reply?(.failure(.policyViolation))
                return
            }
            let new = TransactionMetadata(transactionalID: id, lastUpdate: now)
            entries[id] = Entry(state: TransactionState(new))
        }
        guard let index = entries.index(forKey: id) else {
            reply?(.failure(.invalidProducerIDMapping))
            return
        }
        let before = entries.values[index].state.current
        switch input(&entries.values[index].state, now) {
        case .store(let next, let answer):
            if let reply {
                entries.values[index].reply = {
                    reply(answer == .none ? $0 : $0.flatMap { _ in .failure(answer) })
                }
            }
            save(next, before)
        case .answer(.none): reply?(.success(before.producer))
        case .answer(let error): reply?(.failure(error))
        case nil: break
        }
    }

    private func save(_ next: TransactionMetadata, _ before: TransactionMetadata) {
        environment.store.save(next) { [environment, post] result in
            let report = { @Sendable in post { $0.saved(next.transactionalID, result) } }
            guard case .success = result, next.phase.isComplete, !before.groups.isEmpty else {
                return report()
            }
            environment.endInGroups(next.producer.id, next.phase.isCommit, report)
        }
    }

    private func saved(_ id: String, _ result: Result<Int64, BrokerError>) {
        switch result {
        case .failure(let error):
            environment.logger.error(
                "a transaction could not be stored: \(error)",
                metadata: metadata(id)
            )
            entries[id]?.state.failed()
            answer(id, .failure(.coordinatorNotAvailable))
            if transaction(id)?.producer == ProducerIdentity.none { entries[id] = nil }
        case .success(let producerID):
            entries[id]?.state.stored(producerID: producerID)
            guard let stored = transaction(id) else { return }
            switch stored.phase {
            case .empty, .completeCommit, .completeAbort: activeIDs.remove(id)
            case .ongoing: activeIDs.insert(id)
            case .prepareCommit, .prepareAbort:
                environment.faults.reach(.afterPrepare)
                return beginMarking(id, isRetry: false)
            }
            answer(id, .success(stored.producer))
        }
    }

    /// Answers whoever waits for a transactional id.
    private func answer(_ id: String, _ outcome: Outcome) {
        let reply = entries[id]?.reply
        entries[id]?.reply = nil
        reply?(outcome)
    }
}

/// Markers: rule 10.
extension TransactionRegistry {
    private func beginMarking(_ id: String, isRetry: Bool) {
        guard let partitions = transaction(id)?.partitions else { return }
        activeIDs.insert(id)
        entries[id]?.unmarked = partitions
        entries[id]?.isRetry = isRetry
        writeMarkers(id)
    }

    /// Writes the markers that are missing, and then ends the transaction.
    private func writeMarkers(_ id: String) {
        guard let entry = entries[id], !entry.isMarking else { return }
        entries[id]?.isMarking = true
        let current = entry.state.current
        let marker = marker(current.producer, isCommit: current.phase.isCommit)
        // All at once, so that the syncs of the logs share their time.
        let isStepwise = environment.faults.isSet(.betweenMarkers)
        let round = Array(entry.unmarked.prefix(isStepwise ? 1 : .max))
        let gather = Gather<ErrorCode>(round.count) { [post] errors in
            post { $0.marked(id, Array(zip(round, errors))) }
        }
        for (index, partition) in round.enumerated() {
            environment.end(partition, marker, entry.isRetry) { gather.set(index, $0) }
        }
    }

    private func marker(_ producer: ProducerIdentity, isCommit: Bool) -> TransactionMarker {
        TransactionMarker(
            producerID: producer.id,
            producerEpoch: producer.epoch,
            isCommit: isCommit,
            coordinatorEpoch: environment.store.startEpoch
        )
    }

    private func marked(_ id: String, _ marks: [(partition: PartitionID, error: ErrorCode)]) {
        guard var entry = entries[id] else { return }
        // What was deleted meanwhile needs no marker.
        let failures = marks.filter {
            $0.error != .none && environment.store.topic(id: $0.partition.topic) != nil
        }
        let isFirst = entry.reply != nil || !entry.isRetry
        entry.isMarking = false
        entry.isRetry = entry.isRetry || !failures.isEmpty
        entry.unmarked.subtract(marks.map(\.partition))
        entry.unmarked.formUnion(failures.map(\.partition))
        entries[id] = entry
        if let failure = failures.first {
            if isFirst {
                environment.logger.error(
                    "a transaction waits for \(failure.partition): \(failure.error)",
                    metadata: metadata(id)
                )
            }
            // Tried again at the next check. The client comes again too.
            answer(id, .failure(.concurrentTransactions))
        } else if entry.unmarked.isEmpty {
            environment.faults.reach(.beforeComplete)
            change(id) { $0.complete(at: $1) }
        } else {
            environment.faults.reach(.betweenMarkers)
            writeMarkers(id)
        }
    }
}

/// What a start finds.
extension TransactionRegistry {
    /// Takes over what was stored, and finishes what was decided before a crash (rule 11).
    ///
    /// - Parameters:
    ///   - stored: What was stored.
    ///   - completion: Called when ongoing transactions can go on, and all others are finished or
    ///     have failed for now.
    func restore(
        _ stored: [TransactionMetadata],
        completion: @escaping @Sendable () -> Void
    ) {
        environment.findOpen { [post] open in
            post { $0.abortUnknown(open, stored) { post { $0.takeOver(stored, completion) } } }
        }
    }

    /// Aborts what is open in a log and not in the store.
    ///
    /// The marker was lost, with a damaged end of the log or a database that was put back. Nobody
    /// else would ever end it, and readers of committed records would wait for that for ever.
    private func abortUnknown(
        _ open: [OpenTransaction],
        _ stored: [TransactionMetadata],
        _ completion: @escaping @Sendable () -> Void
    ) {
        let known = Dictionary(grouping: stored, by: \.producer.id)
        let unknown = open.filter { open in
            !(known[open.producer.id] ?? []).contains { $0.includes(open) }
        }
        let gather = Gather<Void>(unknown.count) { _ in completion() }
        for (index, transaction) in unknown.enumerated() {
            let marker = marker(transaction.producer, isCommit: false)
            environment.end(transaction.partition, marker, true) { [environment] error in
                environment.logger.log(
                    level: error == .none ? .warning : .error,
                    error == .none
                        ? "a transaction that nobody would have ended was aborted"
                        : "a transaction cannot be aborted (\(error)): start the broker again",
                    metadata: [
                        "partition": "\(transaction.partition)",
                        "producer": "\(transaction.producer.id)",
                        "offset": "\(transaction.firstOffset)",
                    ]
                )
                gather.set(index, ())
            }
        }
    }

    private func takeOver(
        _ stored: [TransactionMetadata],
        _ completion: @escaping @Sendable () -> Void
    ) {
        let now = environment.now()
        let gather = Gather<Void>(stored.count) { _ in completion() }
        for (index, var transaction) in stored.enumerated() {
            let id = transaction.transactionalID
            // A clock that was set back must not give anybody more time.
            transaction.startDate = transaction.startDate.map { min($0, now) }
            transaction.lastUpdate = min(transaction.lastUpdate, now)
            entries[id] = Entry(state: TransactionState(transaction))
            if transaction.phase.isPrepared {
                entries[id]?.reply = { _ in gather.set(index, ()) }
                beginMarking(id, isRetry: true)
            } else {
                if transaction.phase == .ongoing { activeIDs.insert(id) }
                environment.begin(transaction.producer, in: transaction.partitions) { _ in
                    gather.set(index, ())
                }
            }
        }
    }
}

/// What happens without being asked for.
extension TransactionRegistry {
    /// Drops the partitions of a deleted topic.
    func forgetTopic(_ id: UUID16) {
        for index in entries.values.indices { entries.values[index].state.forgetTopic(id) }
    }

    private func checkTime() {
        let time = DispatchTime.now()
        if time >= nextCheck {
            nextCheck = time + .milliseconds(environment.settings.checkInterval)
            for id in activeIDs {
                guard let state = entries[id]?.state, state.pending == nil else { continue }
                if state.current.phase.isPrepared {
                    writeMarkers(id)
                } else {
                    change(id) { $0.expire(at: $1) }
                }
            }
        }
        if time >= nextSweep {
            nextSweep = time + .milliseconds(environment.settings.sweepInterval)
            sweep()
        }
    }

    /// Forgets transactional ids that nobody has used for long (rule 14).
    private func sweep() {
        let limit = environment.now() - environment.settings.expiration
        for (id, entry) in entries
        where entry.state.pending == nil && entry.state.current.lastUpdate <= limit
            && !activeIDs.contains(id)
        {
            entries[id] = nil
            environment.store.deleteTransaction(id: id) { [environment] result in
                guard case .failure(let error) = result else { return }
                environment.logger.error("an old transactional id could not be removed: \(error)")
            }
        }
    }
}
