import Dispatch
import KafkaWire

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

    let environment: TransactionEnvironment
    private let inbox = Inbox<Job>(capacity: capacity)
    private let thread = OwnThread(name: "transactions")

    /// Loads the transactions, lets those that are open go on and finishes those that are decided;
    /// blocks meanwhile.
    ///
    /// - Parameter environment: What transactions need. Logs and groups must be open; the store
    ///   must be closed after `stop`.
    /// - Throws: `BrokerError` if the transactions cannot be read.
    init(_ environment: TransactionEnvironment) throws(BrokerError) {
        self.environment = environment
        let transactions = try environment.store.loadTransactions()
        environment.store.observeTopicDeletions { [self] id in post { $0.forgetTopic(id) } }
        let restored = DispatchSemaphore(value: 0)
        thread.start { [self] in
            let registry = TransactionRegistry(environment) { [self] in post($0) }
            registry.restore(transactions) { restored.signal() }
            registry.run(inbox)
        }
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
    private func post(_ job: @escaping Job) { _ = inbox.push(job, isReply: true) }

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
