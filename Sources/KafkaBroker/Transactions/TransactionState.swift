import KafkaWire

/// One transactional id: rules 1–5, 8, 9, 12 and 14 of section 3.6.
///
/// A pure state machine: no I/O and no clock. An input says what is to be stored, and nothing of it
/// counts until the owner reports with `stored` that it is durable. Until then, whoever else comes
/// gets CONCURRENT_TRANSACTIONS and tries again.
struct TransactionState: Sendable {
    /// What an input leads to.
    enum Step: Sendable, Equatable {
        /// Nothing changes.
        case answer(ErrorCode)
        /// Store this; when all that follows from it is done, answer.
        case store(TransactionMetadata, then: ErrorCode)
    }

    /// As it is stored.
    private(set) var current: TransactionMetadata
    /// As it is to be, on the way to the disk.
    private(set) var pending: TransactionMetadata?

    init(_ stored: TransactionMetadata) { current = stored }

    /// What was pending is durable, with this producer id if it asked for one.
    mutating func stored(producerID: Int64) {
        guard var stored = pending else { return }
        stored.producer.id = producerID
        current = stored
        pending = nil
    }

    /// What was pending could not be stored: everything is as before.
    mutating func failed() { pending = nil }

    /// Drops the partitions of a deleted topic.
    mutating func forgetTopic(_ id: UUID16) {
        current.forgetTopic(id)
        pending?.forgetTopic(id)
    }

    private mutating func store(
        _ next: TransactionMetadata,
        at now: Int64,
        then answer: ErrorCode = .none
    ) -> Step {
        var next = next
        next.lastUpdate = now
        pending = next
        return .store(next, then: answer)
    }
}

/// Who may use the transactional id: InitProducerId, rules 1–4.
extension TransactionState {
    /// Makes the caller, who may say who it was before, the only producer.
    ///
    /// A producer id of -1 in what is to be stored asks for a new one.
    mutating func initProducerID(
        timeout: Int32,
        expected: ProducerIdentity?,
        at now: Int64
    ) -> Step {
        guard pending == nil, !current.phase.isPrepared else {
            return .answer(.concurrentTransactions)
        }
        let isNew = current.producer == .none
        let isRetry = !isNew && expected != nil && expected != current.producer
        guard !isRetry || expected.map(repeatsLastRequest) == true else {
            return .answer(.producerFenced)
        }
        guard current.phase != .ongoing else {
            return prepare(.prepareAbort, fencing: true, successor: expected, at: now)
        }
        var next = current
        next.phase = .empty
        next.timeout = timeout
        // The answer was lost: give it again.
        if isRetry, current.producer.epoch < .max { return store(next, at: now) }
        next.previousProducerID = current.producer.id
        next.lastEpoch = isNew ? -1 : expected?.epoch ?? -1
        if isNew || current.isEpochExhausted {
            next.producer = ProducerIdentity(id: -1, epoch: 0)
        } else {
            next.producer.epoch += 1
        }
        return store(next, at: now)
    }

    /// Whether a producer repeats the request that gave it what is stored.
    private func repeatsLastRequest(_ expected: ProducerIdentity) -> Bool {
        current.phase != .ongoing && expected.epoch >= 0 && expected.epoch == current.lastEpoch
            && [current.producer.id, current.previousProducerID].contains(expected.id)
    }

    /// Aborts a transaction that has taken too long, and fences its producer (rule 12).
    mutating func expire(at now: Int64) -> Step? {
        guard pending == nil, current.phase == .ongoing, let start = current.startDate,
            now - start > Int64(current.timeout)
        else { return nil }
        return prepare(.prepareAbort, fencing: true, at: now)
    }
}

/// What belongs to the transaction, and how it ends: rules 5, 8 and 9.
extension TransactionState {
    /// Adds to the transaction, which begins with the first addition, at most `limit` partitions
    /// and groups together.
    mutating func add(
        _ partitions: Set<PartitionID> = [],
        groups: Set<String> = [],
        for producer: ProducerIdentity,
        limit: Int,
        at now: Int64
    ) -> Step {
        if let refusal = refusal(of: producer) { return .answer(refusal) }
        guard !current.phase.isPrepared else { return .answer(.concurrentTransactions) }
        var next = current
        next.partitions.formUnion(partitions)
        next.groups.formUnion(groups)
        guard next.partitions.count + next.groups.count <= limit else {
            return .answer(.policyViolation)
        }
        if current.phase != .ongoing {
            next.phase = .ongoing
            next.startDate = now
        }
        return next == current ? .answer(.none) : store(next, at: now)
    }

    /// Decides how the transaction ends; it is over when its markers are written.
    mutating func end(isCommit: Bool, for producer: ProducerIdentity, at now: Int64) -> Step {
        if let refusal = refusal(of: producer) { return .answer(refusal) }
        let phase = current.phase
        if phase == .ongoing { return prepare(isCommit ? .prepareCommit : .prepareAbort, at: now) }
        guard phase != .empty, phase.isCommit == isCommit else {
            return .answer(.invalidTransactionState)
        }
        return .answer(phase.isPrepared ? .concurrentTransactions : .none)
    }

    /// Ends the transaction, once every partition has its marker; nil if there is nothing to end.
    mutating func complete(at now: Int64) -> Step? {
        guard pending == nil, current.phase.isPrepared else { return nil }
        var next = current
        next.phase = current.phase.isCommit ? .completeCommit : .completeAbort
        next.partitions = []
        next.groups = []
        next.startDate = nil
        return store(next, at: now)
    }

    /// Decides the outcome.
    ///
    /// Fencing takes the transactional id from the producer; if it asked for that itself, as
    /// `successor`, it may come back for the new epoch.
    private mutating func prepare(
        _ phase: TransactionMetadata.Phase,
        fencing: Bool = false,
        successor: ProducerIdentity? = nil,
        at now: Int64
    ) -> Step {
        var next = current
        next.phase = phase
        if fencing {
            next.lastEpoch = successor?.epoch ?? -1
            next.producer.epoch += 1
        }
        return store(next, at: now, then: fencing ? .concurrentTransactions : .none)
    }

    private func refusal(of producer: ProducerIdentity) -> ErrorCode? {
        guard producer.id == current.producer.id, producer.id >= 0 else {
            return .invalidProducerIDMapping
        }
        // The last epoch of all is not given to anyone: it is there to fence the one before.
        guard producer.epoch == current.producer.epoch, producer.epoch < .max else {
            return .producerFenced
        }
        return pending == nil ? nil : .concurrentTransactions
    }
}
