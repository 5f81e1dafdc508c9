import KafkaWire
import Testing

@testable import KafkaBroker

/// The rules of section 3.6, one transactional id at a time.
struct TransactionStateTests {
    private let driver = TransactionDriver()

    @Test func `rule 4: the first producer gets epoch 0, the next ones count up`() {
        #expect(driver.initialize() == .none)
        #expect(driver.producer == ProducerIdentity(id: 101, epoch: 0))
        #expect(driver.initialize() == .none)
        #expect(driver.producer == ProducerIdentity(id: 101, epoch: 1))
        #expect(driver.phase == .empty)
        #expect(driver.stored.map(\.producer.epoch) == [0, 1])
    }

    @Test func `rule 4: a new id pays no heed to what the caller was before`() {
        #expect(driver.initialize(ProducerIdentity(id: 7, epoch: 3)) == .none)
        #expect(driver.producer == ProducerIdentity(id: 101, epoch: 0))
    }

    @Test func `rule 4: a producer that names itself goes on, and may ask twice`() {
        _ = driver.initialize()
        let first = driver.producer
        #expect(driver.initialize(first) == .none)
        #expect(driver.producer == first.later())
        #expect(driver.initialize(first) == .none)
        #expect(driver.producer == first.later(), "the answer was lost: the same again")
        #expect(driver.initialize(first.later()) == .none)
        #expect(driver.producer == first.later(2))
        #expect(driver.initialize(first) == .producerFenced)
    }

    @Test func `rule 2: nobody else gets the id by naming a producer`() {
        _ = driver.initialize()
        let first = driver.producer
        #expect(driver.initialize(ProducerIdentity(id: 5, epoch: 0)) == .producerFenced)
        #expect(driver.initialize(first.later()) == .producerFenced)
        _ = driver.initialize()
        #expect(driver.initialize(first) == .producerFenced, "another producer has come")
        #expect(driver.producer == first.later())
    }

    @Test func `rule 3: whoever comes during a transaction aborts it and comes again`() {
        _ = driver.initialize()
        let first = driver.producer
        #expect(driver.add([0, 1]) == .none)
        #expect(driver.initialize() == .concurrentTransactions)
        #expect(driver.phase == .completeAbort)
        #expect(driver.stored.suffix(2).map(\.phase) == [.prepareAbort, .completeAbort])
        #expect(driver.stored.suffix(2).map(\.producer) == [first.later(), first.later()])
        #expect(driver.commit(first) == .producerFenced)
        #expect(driver.initialize() == .none)
        #expect(driver.producer == first.later(2))
    }

    @Test func `rule 3: a producer can abort its own transaction that way`() {
        _ = driver.initialize()
        let first = driver.producer
        _ = driver.add()
        #expect(driver.initialize(first) == .concurrentTransactions)
        #expect(driver.initialize(first) == .none)
        #expect(driver.producer == first.later())
        #expect(driver.add([0], first) == .producerFenced)
    }

    @Test func `a late copy of the first request does not abort the transaction`() {
        _ = driver.initialize()
        let first = driver.producer
        _ = driver.initialize(first)
        _ = driver.add()
        #expect(driver.initialize(first) == .producerFenced)
        #expect(driver.phase == .ongoing)
    }

    @Test func `rule 5: the first addition begins the transaction`() {
        _ = driver.initialize()
        #expect(driver.add([0, 1]) == .none)
        #expect(driver.phase == .ongoing)
        #expect(driver.state.current.startDate == driver.now)
        driver.now += 10
        #expect(driver.add([1, 2]) == .none)
        #expect(driver.state.current.startDate == driver.now - 10)
        #expect(driver.state.current.partitions.map(\.index).sorted() == [0, 1, 2])
        let count = driver.stored.count
        #expect(driver.add([2, 0]) == .none)
        #expect(driver.stored.count == count, "nothing new: nothing is written")
        #expect(driver.add([], groups: ["g"]) == .none)
        #expect(driver.state.current.groups == ["g"])
    }

    @Test func `rule 5: a foreign producer or an old one cannot add`() {
        _ = driver.initialize()
        let first = driver.producer
        _ = driver.initialize()
        #expect(driver.add([0], first) == .producerFenced)
        #expect(driver.add([0], first.later(2)) == .producerFenced)
        let foreign = ProducerIdentity(id: 5, epoch: 1)
        #expect(driver.add([0], foreign) == .invalidProducerIDMapping)
        #expect(driver.commit(foreign) == .invalidProducerIDMapping)
        #expect(driver.phase == .empty)
    }

    @Test func `a transaction has only so many partitions and groups`() {
        _ = driver.initialize()
        #expect(driver.add([0, 1], groups: ["g"], limit: 3) == .none)
        #expect(driver.add([2], limit: 3) == .policyViolation)
        #expect(driver.add([1], limit: 3) == .none)
        #expect(driver.commit() == .none)
        #expect(driver.add([2], limit: 3) == .none)
    }

    @Test(arguments: [true, false])
    func `rule 9: an end can be repeated but not turned round`(isCommit: Bool) {
        _ = driver.initialize()
        _ = driver.add([0], groups: ["g"])
        #expect((isCommit ? driver.commit() : driver.abort()) == .none)
        let end = driver.phase
        #expect(end == (isCommit ? .completeCommit : .completeAbort))
        #expect(driver.state.current.partitions.isEmpty)
        #expect(driver.state.current.groups.isEmpty)
        #expect(driver.state.current.startDate == nil)
        #expect((isCommit ? driver.commit() : driver.abort()) == .none)
        #expect((isCommit ? driver.abort() : driver.commit()) == .invalidTransactionState)
        #expect(driver.phase == end)
    }

    @Test func `rule 9: nothing was begun: nothing can be ended`() {
        _ = driver.initialize()
        #expect(driver.commit() == .invalidTransactionState)
        #expect(driver.abort() == .invalidTransactionState)
    }

    @Test func `rule 9: while markers are written, all but the same end must wait`() {
        _ = driver.initialize()
        _ = driver.add()
        _ = driver.state.end(isCommit: true, for: driver.producer, at: driver.now)
        driver.storePending()
        #expect(driver.phase == .prepareCommit)
        #expect(driver.commit() == .concurrentTransactions)
        #expect(driver.abort() == .invalidTransactionState)
        #expect(driver.add([1]) == .concurrentTransactions)
        #expect(driver.initialize() == .concurrentTransactions)
        #expect(!driver.advance(1_000_000), "a decided transaction does not time out")
        #expect(driver.state.complete(at: driver.now) != nil)
        #expect(driver.state.complete(at: driver.now) == nil, "only once at a time")
        driver.storePending()
        #expect(driver.phase == .completeCommit)
    }

    @Test func `what is on the way to the disk does not count, and keeps others out`() {
        _ = driver.initialize()
        let first = driver.producer
        guard case .store = driver.state.initProducerID(timeout: 1, expected: nil, at: 0) else {
            Issue.record("nothing is to be stored")
            return
        }
        #expect(driver.producer == first)
        #expect(driver.add() == .concurrentTransactions)
        #expect(driver.commit() == .concurrentTransactions)
        #expect(driver.initialize() == .concurrentTransactions)
        driver.state.failed()
        #expect(driver.producer == first)
        #expect(driver.add() == .none)
    }

    @Test func `rule 12: a transaction that takes too long is aborted and fenced`() {
        _ = driver.initialize(timeout: 5_000)
        let first = driver.producer
        _ = driver.add()
        #expect(!driver.advance(5_000))
        _ = driver.add([1])
        #expect(driver.advance(1), "additions give no more time")
        #expect(driver.phase == .completeAbort)
        #expect(driver.producer == first.later())
        #expect(driver.add([0], first) == .producerFenced)
        #expect(driver.initialize(first) == .producerFenced)
        #expect(!driver.advance(1_000_000), "nothing is open")
        #expect(driver.initialize() == .none)
        #expect(driver.producer == first.later(2))
    }

    @Test func `rule 4: after the last epoch comes a new producer id`() {
        _ = driver.initialize()
        let old = driver.producer
        exhaust()
        #expect(driver.producer == ProducerIdentity(id: old.id, epoch: 32_766))
        _ = driver.add()
        #expect(driver.commit() == .none, "the last epoch is as good as others")
        #expect(driver.initialize() == .none)
        #expect(driver.producer == ProducerIdentity(id: old.id + 1, epoch: 0))
        #expect(driver.state.current.previousProducerID == old.id)
    }

    @Test func `rules 2 and 4: the producer of the last epoch can ask twice as well`() {
        _ = driver.initialize()
        exhaust()
        let last = driver.producer
        #expect(driver.initialize(last) == .none)
        let next = driver.producer
        #expect(next.epoch == 0 && next.id != last.id)
        #expect(driver.initialize(last) == .none)
        #expect(driver.producer == next)
        let older = ProducerIdentity(id: last.id, epoch: 32_765)
        #expect(driver.initialize(older) == .producerFenced)
        _ = driver.initialize(next)
        #expect(driver.initialize(last) == .producerFenced)
    }

    @Test(arguments: [true, false])
    func `the producer of the last epoch can still be fenced`(namesItself: Bool) {
        _ = driver.initialize()
        exhaust()
        let last = driver.producer
        _ = driver.add()
        #expect(driver.initialize(namesItself ? last : nil) == .concurrentTransactions)
        #expect(driver.producer == last.later())
        #expect(driver.add() == .producerFenced, "nobody was given this epoch")
        #expect(driver.initialize(namesItself ? last : nil) == .none)
        #expect(driver.producer == ProducerIdentity(id: last.id + 1, epoch: 0))
    }

    @Test func `a deleted topic leaves the transaction`() {
        _ = driver.initialize()
        _ = driver.add([0])
        let other = UUID16(high: 9, low: 9)
        let partition = PartitionID(topic: other, index: 3)
        let step = driver.state.add(
            [partition],
            for: driver.producer,
            limit: 10,
            at: driver.now
        )
        driver.state.forgetTopic(TransactionDriver.topic)
        #expect(driver.run(step) == .none)
        #expect(driver.state.current.partitions == [partition])
    }

    /// Comes back until the last epoch that is given to anyone.
    private func exhaust() {
        while driver.producer.epoch < 32_766 { _ = driver.initialize() }
    }
}
