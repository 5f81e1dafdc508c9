import KafkaWire
import Testing

@testable import KafkaBroker

/// What rules 1–5, 9 and 12 say, told as a list of what has happened: slow, and without states.
private final class TransactionModel {
    enum Event {
        /// A producer was made the owner; it named itself if it had been one.
        case owned(ProducerIdentity, by: ProducerIdentity?)
        /// The owner's epoch was counted up to keep it out.
        case fenced(ProducerIdentity, by: ProducerIdentity?)
        case added(Set<Int32>, at: Int64)
        case ended(isCommit: Bool)
    }

    var history: [Event] = []
    var timeout: Int32 = 0

    var owner: ProducerIdentity? {
        for event in history.reversed() {
            switch event {
            case .owned(let producer, _), .fenced(let producer, _): return producer
            case .added, .ended: continue
            }
        }
        return nil
    }

    /// What was added since the last end or owner.
    private var additions: [(partitions: Set<Int32>, date: Int64)] {
        var additions: [(Set<Int32>, Int64)] = []
        for event in history {
            if case .added(let partitions, let date) = event {
                additions.append((partitions, date))
            } else {
                additions = []
            }
        }
        return additions
    }

    var isOpen: Bool { !additions.isEmpty }
    var partitions: Set<Int32> { additions.reduce(into: []) { $0.formUnion($1.partitions) } }

    /// Who named itself when the owner became what it is.
    private var namedBefore: ProducerIdentity? {
        for event in history.reversed() {
            switch event {
            case .owned(_, let by), .fenced(_, let by): return by
            case .added, .ended: continue
            }
        }
        return nil
    }

    func initialize(_ expected: ProducerIdentity?, newID: Int64) -> ErrorCode {
        guard let owner else {
            history.append(.owned(ProducerIdentity(id: newID, epoch: 0), by: nil))
            return .none
        }
        if let expected, expected != owner {
            guard !isOpen, expected == namedBefore else { return .producerFenced }
            if owner.epoch < 32_767 {
                // The same answer again, and with it a fresh start.
                history.append(.owned(owner, by: expected))
                return .none
            }
        }
        if isOpen {
            history.append(.fenced(owner.later(), by: expected))
            history.append(.ended(isCommit: false))
            return .concurrentTransactions
        }
        let isLast = owner.epoch >= 32_766
        let next = isLast ? ProducerIdentity(id: newID, epoch: 0) : owner.later()
        history.append(.owned(next, by: expected))
        return .none
    }

    func add(_ partitions: Set<Int32>, _ caller: ProducerIdentity, at now: Int64)
        -> ErrorCode
    {
        if let error = check(caller) { return error }
        if !isOpen || !partitions.isSubset(of: self.partitions) {
            history.append(.added(partitions, at: now))
        }
        return .none
    }

    func end(isCommit: Bool, _ caller: ProducerIdentity) -> ErrorCode {
        if let error = check(caller) { return error }
        if isOpen {
            history.append(.ended(isCommit: isCommit))
            return .none
        }
        guard case .ended(let wasCommit)? = history.last, wasCommit == isCommit else {
            return .invalidTransactionState
        }
        return .none
    }

    func expire(at now: Int64) -> Bool {
        guard let start = additions.first?.date, let owner, now - start > Int64(timeout) else {
            return false
        }
        history.append(.fenced(owner.later(), by: nil))
        history.append(.ended(isCommit: false))
        return true
    }

    private func check(_ caller: ProducerIdentity) -> ErrorCode? {
        guard caller.id == owner?.id else { return .invalidProducerIDMapping }
        return caller == owner && caller.epoch < 32_767 ? nil : .producerFenced
    }
}

/// Random inputs in random order: the state machine says what the plain model says.
struct TransactionRandomTests {
    @Test(arguments: 0..<100)
    func `random inputs are answered as by the plain model`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let driver = TransactionDriver()
        let model = TransactionModel()
        if seed.isMultiple(of: 2) {
            // Near the end of the epochs, where ids change.
            let start = ProducerIdentity(id: 7, epoch: 32_760)
            driver.state = TransactionState(
                TransactionMetadata(transactionalID: "t", producer: start, lastUpdate: 0)
            )
            model.history = [.owned(start, by: nil)]
        }
        var known = [ProducerIdentity(id: 7, epoch: 0)]
        for step in 0..<500 {
            let caller = try #require(known.suffix(4).randomElement(using: &random))
            let choice = Int.random(in: 0..<10, using: &random)
            switch choice {
            case 0, 1:
                let expected = choice == 0 ? nil : caller
                let timeout = Int32.random(in: 1...50, using: &random)
                let answer = driver.initialize(expected, timeout: timeout)
                let newID = driver.producer.id
                #expect(answer == model.initialize(expected, newID: newID), "step \(step)")
                if answer == .none { model.timeout = timeout }
            case 2, 3, 4:
                let partitions = Set((0..<2).map { _ in Int32.random(in: 0..<5, using: &random) })
                let answer = driver.add(Array(partitions), caller)
                #expect(answer == model.add(partitions, caller, at: driver.now), "step \(step)")
            case 5, 6, 7:
                let isCommit = Bool.random(using: &random)
                let answer = isCommit ? driver.commit(caller) : driver.abort(caller)
                #expect(answer == model.end(isCommit: isCommit, caller), "step \(step)")
            default:
                let time = Int64.random(in: 0...20, using: &random)
                #expect(driver.advance(time) == model.expire(at: driver.now), "step \(step)")
            }
            compare(driver, model, step)
            if known.last != driver.producer { known.append(driver.producer) }
        }
    }

    private func compare(_ driver: TransactionDriver, _ model: TransactionModel, _ step: Int) {
        let current = driver.state.current
        #expect(driver.state.pending == nil)
        #expect(current.producer == model.owner ?? .none, "step \(step)")
        #expect((current.phase == .ongoing) == model.isOpen, "step \(step)")
        #expect(Set(current.partitions.map(\.index)) == model.partitions, "step \(step)")
        #expect((current.startDate != nil) == model.isOpen)
        #expect(current.producer.epoch >= -1)
        let previous = driver.stored.dropLast().last?.producer ?? .none
        if previous.id == current.producer.id {
            #expect(current.producer.epoch >= previous.epoch, "epochs never go down")
        }
    }
}
