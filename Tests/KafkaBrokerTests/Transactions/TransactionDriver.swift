import KafkaWire

@testable import KafkaBroker

/// A transactional id whose store and markers always work at once, unless a test steps through.
final class TransactionDriver {
    var state = TransactionState(TransactionMetadata(transactionalID: "t", lastUpdate: 0))
    var now: Int64 = 1_000_000
    /// What was stored, in order.
    private(set) var stored: [TransactionMetadata] = []
    private var nextProducerID: Int64 = 100

    var producer: ProducerIdentity { state.current.producer }
    var phase: TransactionMetadata.Phase { state.current.phase }

    /// Asks for the transactional id.
    ///
    /// - Returns: The answer; `.none` means that `producer` is the caller now.
    func initialize(
        _ expected: ProducerIdentity? = nil,
        timeout: Int32 = 60_000
    ) -> ErrorCode {
        run(state.initProducerID(timeout: timeout, expected: expected, at: now))
    }

    func add(
        _ partitions: [Int32] = [0],
        groups: Set<String> = [],
        _ producer: ProducerIdentity? = nil,
        limit: Int = 100
    ) -> ErrorCode {
        run(
            state.add(
                Set(partitions.map { PartitionID(topic: Self.topic, index: $0) }),
                groups: groups,
                for: producer ?? self.producer,
                limit: limit,
                at: now
            )
        )
    }

    func commit(_ producer: ProducerIdentity? = nil) -> ErrorCode {
        run(state.end(isCommit: true, for: producer ?? self.producer, at: now))
    }

    func abort(_ producer: ProducerIdentity? = nil) -> ErrorCode {
        run(state.end(isCommit: false, for: producer ?? self.producer, at: now))
    }

    /// Lets time pass; returns whether a transaction took too long.
    func advance(_ milliseconds: Int64) -> Bool {
        now += milliseconds
        guard let step = state.expire(at: now) else { return false }
        _ = run(step)
        return true
    }

    /// Makes pending changes durable until nothing is left to do.
    func run(_ step: TransactionState.Step) -> ErrorCode {
        guard case .store(_, let answer) = step else {
            if case .answer(let answer) = step { return answer }
            return .none
        }
        storePending()
        if state.complete(at: now) != nil { storePending() }
        return answer
    }

    /// Makes the pending change durable, as the store does.
    func storePending() {
        guard let pending = state.pending else { return }
        if pending.producer.id < 0 { nextProducerID += 1 }
        state.stored(producerID: pending.producer.id < 0 ? nextProducerID : pending.producer.id)
        stored.append(state.current)
    }

    static let topic = UUID16(high: 1, low: 2)
}

extension ProducerIdentity {
    /// The producer whose epoch is so much higher.
    func later(_ count: Int16 = 1) -> ProducerIdentity {
        ProducerIdentity(id: id, epoch: epoch + count)
    }
}
