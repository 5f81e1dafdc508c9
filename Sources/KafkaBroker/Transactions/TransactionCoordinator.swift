import Dispatch
import KafkaWire
import Logging

/// Coordinates transactions: who may write, and that all of a transaction counts or nothing.
///
/// All transactional ids belong to one thread, which takes requests from a bounded queue. Nothing
/// is answered before what it reports is durable.
final class TransactionCoordinator: Sendable {
    typealias Job = @Sendable (TransactionRegistry) -> Void
    /// How it went: who the producer is now, or why nothing was done.
    typealias Outcome = Result<ProducerIdentity, ErrorCode>

    /// Most requests that may wait: 1,000 connections have one in flight each.
    static let capacity = 16_384

    let store: MetadataStore
    let settings: TransactionSettings
    let participants: TransactionParticipants
    let faults: FaultPoint
    let logger: Logger
    /// The time in milliseconds since 1970; never goes back.
    let now: @Sendable () -> Int64
    private let inbox = Inbox<Job>(capacity: capacity)
    private let thread = OwnThread(name: "transactions")

    /// Loads the transactions, lets those that are open go on and finishes those that are decided;
    /// blocks meanwhile.
    ///
    /// - Parameters:
    ///   - store: Where they are kept; must be closed after `stop`.
    ///   - settings: Limits and times.
    ///   - participants: Logs and groups, which must be open.
    ///   - faults: Where to die in tests.
    ///   - logger: For failures.
    ///   - now: The time in milliseconds since 1970; must never go back.
    /// - Throws: `BrokerError` if the transactions cannot be read.
    init(
        store: MetadataStore,
        settings: TransactionSettings = TransactionSettings(),
        participants: TransactionParticipants,
        faults: FaultPoint,
        logger: Logger,
        now: @escaping @Sendable () -> Int64 = Moment.steadyDate()
    ) throws(BrokerError) {
        self.store = store
        self.settings = settings
        self.participants = participants
        self.faults = faults
        self.logger = logger
        self.now = now
        let transactions = try store.loadTransactions()
        let restored = DispatchSemaphore(value: 0)
        thread.start { [self] in
            let registry = TransactionRegistry(self)
            registry.restore(transactions) { restored.signal() }
            registry.run(inbox)
        }
        store.observeTopicDeletions { [self] id in post { $0.forgetTopic(id) } }
        restored.wait()
    }

    /// Has something done on the coordinator's thread.
    ///
    /// - Parameter job: What to do.
    /// - Returns: Nil, or why it is not done: too much is waiting, or the broker stops.
    func perform(_ job: @escaping Job) -> ErrorCode? {
        switch inbox.push(job) {
        case .accepted: nil
        case .full: .coordinatorLoadInProgress
        case .closed: .coordinatorNotAvailable
        }
    }

    /// Has something done that the coordinator's thread asked for, unless the thread has ended.
    func post(_ job: @escaping Job) { _ = inbox.push(job, isReply: true) }

    /// Gives a transactional id an input; see `TransactionRegistry.change`.
    func change(
        _ id: String,
        creating isNew: Bool = false,
        _ input: @escaping @Sendable (inout TransactionState, Int64) -> TransactionState.Step?,
        reply: @escaping @Sendable (Outcome) -> Void
    ) {
        guard !id.isEmpty else { return reply(.failure(.invalidRequest)) }
        let refusal = perform { $0.change(id, creating: isNew, input, reply: reply) }
        if let refusal { reply(.failure(refusal)) }
    }

    /// Answers what waits with "not available" and ends the thread; blocks until it has ended.
    ///
    /// Transactions stay as they are and go on after a restart.
    func stop() {
        inbox.close()
        thread.join()
    }

    /// One handler for each API.
    var handlers: [any RequestHandler] {
        [
            initProducerID, addPartitionsToTransaction, addOffsetsToTransaction, endTransaction,
            describeTransactions, listTransactions,
        ]
    }
}

extension Moment {
    /// A clock that shows the date and that nobody can set while the broker runs.
    static func steadyDate() -> @Sendable () -> Int64 {
        let start = now()
        return { start.date + now().uptime - start.uptime }
    }
}

extension TransactionCoordinator.Outcome {
    /// The code for a client.
    ///
    /// - Parameters:
    ///   - version: The version of the request.
    ///   - first: The first version that knows PRODUCER_FENCED; before, it was another code.
    /// - Returns: The code; `.none` for success.
    func errorCode(_ version: Int16, fencedSince first: Int16) -> ErrorCode {
        guard case .failure(let error) = self else { return .none }
        return error == .producerFenced && version < first ? .invalidProducerEpoch : error
    }
}

extension WireValue {
    /// The number of an error.
    static func code(_ error: ErrorCode) -> WireValue { .int(Int64(error.rawValue)) }

    /// A list of structures.
    static func structures(_ values: [Fields]) -> WireValue {
        .array(values.map { .structure($0) })
    }
}
