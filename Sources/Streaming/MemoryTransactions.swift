import Synchronization

/// Writes to a log in memory in transactions.
final class MemoryTransactionalSink: TransactionalSink {
    private let log: MemoryLog
    private let id: String
    /// Nil before `initializeTransactions`.
    private var generation: Int?
    private var deliveries: [Delivery] = []

    init(log: MemoryLog, id: String) {
        self.log = log
        self.id = id
    }

    func initializeTransactions(timeout: Duration) {
        let id = id
        generation = log.state.withLock { state in
            Self.decide(id, isCommit: false, &state)
            state.transactions[id, default: .init()].generation += 1
            return state.transactions[id]?.generation
        }
    }

    func beginTransaction() throws(StreamError) {
        try change { state, id in
            guard state.transactions[id]?.isOpen == false else { return Self.outOfTurn }
            state.transactions[id]?.isOpen = true
            return nil
        }
    }

    func send(_ record: OutgoingRecord, token: UInt64) throws(StreamError) {
        let partition = try log.log(of: record)
        var offset: Offset = -1
        try change { state, id in
            guard state.transactions[id]?.isOpen == true else { return Self.outOfTurn }
            offset = MemoryLog.append(record, to: partition, transactionalID: id, &state)
            let first = state.transactions[id]?.partitions[partition] ?? offset
            state.transactions[id]?.partitions[partition] = first
            return nil
        }
        deliveries.append(
            Delivery(token: token, partition: partition.partition, offset: offset, error: nil)
        )
    }

    func sendOffsets(
        _ positions: [TopicPartition: Offset],
        groupOf source: any RecordSource,
        timeout: Duration
    ) throws(StreamError) {
        try change { state, id in
            guard state.transactions[id]?.isOpen == true else { return Self.outOfTurn }
            state.transactions[id]?.offsets.merge(positions) { _, new in new }
            return nil
        }
    }

    func commitTransaction(timeout: Duration) throws(StreamError) { try end(isCommit: true) }

    func abortTransaction(timeout: Duration) throws(StreamError) { try end(isCommit: false) }

    func takeDeliveries() -> [Delivery] {
        defer { deliveries = [] }
        return deliveries
    }

    func flush(timeout: Duration) -> Bool { true }
    func takeNotices() -> [StreamNotice] { [] }

    private func end(isCommit: Bool) throws(StreamError) {
        try change { state, id in
            guard state.transactions[id]?.isOpen == true else { return Self.outOfTurn }
            Self.decide(id, isCommit: isCommit, &state)
            return nil
        }
    }

    /// Makes a change, unless a newer sink has the id; throws the error that `body` returns.
    private func change(
        _ body: (inout MemoryLog.State, String) -> StreamError?
    ) throws(StreamError) {
        let failure = log.state.withLock { state -> StreamError? in
            guard let generation else { return Self.outOfTurn }
            guard state.transactions[id]?.generation == generation else {
                return StreamError(
                    .fenced,
                    "transactional id \"\(id)\" has a newer sink",
                    remedy: "stop: a newer instance has taken over",
                    isFatal: true
                )
            }
            return body(&state, id)
        }
        if let failure { throw failure }
    }

    private static var outOfTurn: StreamError {
        StreamError(
            .other,
            "a transaction's calls are out of turn",
            remedy: "initialize once, then begin, send, and commit or abort"
        )
    }

    /// Ends the id's transaction, which takes an offset in each of its partitions.
    private static func decide(_ id: String, isCommit: Bool, _ state: inout MemoryLog.State) {
        guard let transaction = state.transactions[id], transaction.isOpen else { return }
        for (partition, first) in transaction.partitions {
            state.logs[partition, default: []].withMutableTail(from: Int(first)) { record in
                guard record.transactionalID == id else { return }
                record.transactionalID = nil
                record.isVisible = isCommit
            }
            state.logs[partition, default: []].append(
                MemoryLog.Stored(timestamp: -1, headers: [], isVisible: false)
            )
        }
        if isCommit {
            state.committedOffsets.merge(transaction.offsets) { _, new in new }
        }
        state.transactions[id] = .init(generation: transaction.generation)
    }
}

extension [MemoryLog.Stored] {
    /// Changes the records from an index on in place.
    fileprivate mutating func withMutableTail(
        from start: Int,
        _ body: (inout MemoryLog.Stored) -> Void
    ) {
        for index in indices.suffix(from: start) { body(&self[index]) }
    }
}
