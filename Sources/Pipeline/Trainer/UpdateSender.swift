import Dispatch
import Foundation
import Learning
import Logging
import Streaming
import Synchronization

/// Sends updates in transactions, on a thread of its own: learning goes on while one is committed.
///
/// What is submitted is committed in that order, several at a time when they have piled up, and is
/// tried again until it is, however long the broker is away. It gives up only when another trainer
/// has taken over, or when it is closed.
final class UpdateSender: Sendable {
    private struct State {
        /// Submitted and not yet committed.
        var waiting: [ModelUpdate] = []
        /// After the last record known to be committed.
        var readFrom: Offset?
        /// Why it has given up.
        var failure: PipelineError?
        /// Why the last attempt failed; nil after one that did not.
        var trouble: String?
        var isClosed = false
        var thread: WorkerThread?
    }

    private let identity: TrainerIdentity
    private let connection: UpdatesConnection
    private let logger: Logger
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// How long a call to the log blocks before it is looked whether to go on.
    private static var patience: Duration { .seconds(1) }
    private static var shortestPause: Duration { .milliseconds(50) }
    private static var longestPause: Duration { .seconds(5) }

    /// A sender that has taken its transactional id over as soon as a broker answers.
    init(
        _ identity: TrainerIdentity,
        connection: UpdatesConnection,
        logger: Logger
    ) {
        self.identity = identity
        self.connection = connection
        self.logger = logger
        let thread = WorkerThread(name: "updates") { [self] in run() }
        state.withLock { $0.thread = thread }
    }

    /// Adds an update, to be committed after all earlier ones.
    func submit(_ update: ModelUpdate) {
        state.withLock { $0.waiting.append(update) }
        wake.signal()
    }

    /// Updates that are not committed yet.
    var pendingCount: Int { state.withLock { $0.waiting.count } }

    /// The offset after the last record known to be committed; nil before the first.
    var readFrom: Offset? { state.withLock { $0.readFrom } }

    /// Why updates are not getting through at the moment; nil when they are.
    var trouble: String? { state.withLock { $0.trouble } }

    /// Throws when it has given up.
    func check() throws(PipelineError) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// Gives up what is not committed, and waits for the thread to end.
    func close() {
        let thread = state.withLock { state in
            state.isClosed = true
            return state.thread
        }
        wake.signal()
        thread?.join()
    }

    // MARK: - On its own thread

    private func run() {
        do throws(PipelineError) {
            var sink = try open()
            while let updates = next(sink) {
                try commit(updates, &sink)
                state.withLock { $0.waiting.removeFirst(updates.count) }
            }
        } catch {
            state.withLock { state in
                // What made it give up when it was closed is of no interest.
                if !state.isClosed { state.failure = error }
            }
        }
    }

    /// What is to be committed next, once there is something; nil when closed.
    private func next(_ sink: any TransactionalSink) -> [ModelUpdate]? {
        while true {
            let (updates, isClosed) = state.withLock { ($0.waiting, $0.isClosed) }
            guard !isClosed else { return nil }
            guard updates.isEmpty else { return updates }
            tell(sink.takeNotices())
            _ = wake.wait(timeout: .now() + 1)
        }
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    /// A sink that has fenced all older ones; none when another trainer's updates are there.
    ///
    /// It looks after it has fenced them: whoever sends later has fenced this one.
    private func open() throws(PipelineError) -> any TransactionalSink {
        let sink = try fence()
        try identity.check(try lastUpdate())
        return sink
    }

    private func fence() throws(PipelineError) -> any TransactionalSink {
        var sink = try log(try connection.openSink())
        var pause = Self.shortestPause
        while true {
            do throws(StreamError) {
                try sink.initializeTransactions(timeout: Self.patience)
                return sink
            } catch {
                tell(sink.takeNotices())
                guard !isClosed else { throw PipelineError(error) }
                if error.kind == .fenced {
                    // By another trainer, or by a try of its own whose answer came too late.
                    try checkTrainer()
                    sink = try log(try connection.openSink())
                } else if !error.isTransient {
                    throw PipelineError(error)
                }
                wait(&pause)
            }
        }
    }

    /// Commits updates in one transaction; tried again until it is done.
    private func commit(
        _ updates: [ModelUpdate],
        _ sink: inout any TransactionalSink
    ) throws(PipelineError) {
        var pause = Self.shortestPause
        while true {
            do throws(StreamError) {
                try transact(updates, sink)
                let offsets = sink.takeDeliveries().map(\.offset)
                state.withLock { state in
                    state.trouble = nil
                    if let last = offsets.max(), last >= 0 {
                        state.readFrom = max(state.readFrom ?? 0, last + 1)
                    }
                }
                tell(sink.takeNotices())
                return
            } catch {
                tell(sink.takeNotices())
                guard !isClosed else { throw PipelineError(error) }
                tell(error)
                if error.isFatal || error.kind == .fenced || !abort(sink) {
                    sink = try renewed()
                }
                _ = sink.takeDeliveries()
                wait(&pause)
            }
        }
    }

    private func transact(
        _ updates: [ModelUpdate],
        _ sink: any TransactionalSink
    ) throws(StreamError) {
        try sink.beginTransaction()
        let log = identity.log
        for update in updates {
            for record in UpdateFormat.records(
                of: update,
                topic: log.topic,
                partition: log.partition
            ) {
                try sink.send(record, token: Token.update)
            }
        }
        while true {
            do throws(StreamError) {
                try sink.commitTransaction(timeout: Self.patience)
                return
            } catch {
                guard error.isRetriable, !error.needsAbort, !error.isFatal, !isClosed else {
                    throw error
                }
                state.withLock { $0.trouble = error.message }
                tell(sink.takeNotices())
            }
        }
    }

    /// Aborts what is left of a transaction; false when the sink is of no more use.
    private func abort(_ sink: any TransactionalSink) -> Bool {
        while true {
            do throws(StreamError) {
                try sink.abortTransaction(timeout: Self.patience)
                return true
            } catch {
                tell(sink.takeNotices())
                guard error.isRetriable, !error.isFatal, !isClosed else { return false }
            }
        }
    }

    /// Another sink in place of one that is of no more use, unless another trainer is the reason.
    ///
    /// A broker that was away for longer than a transaction may last has aborted it and tells that
    /// alike: librdkafka 2.0.2 then calls its producer fenced, and cannot always abort
    /// (its issue 4849).
    private func renewed() throws(PipelineError) -> any TransactionalSink {
        try checkTrainer()
        return try open()
    }

    /// Throws when another trainer has taken over.
    private func checkTrainer() throws(PipelineError) {
        try identity.checkEpoch()
        try identity.check(try lastUpdate())
    }

    /// The model's last update on the log, as soon as a broker answers.
    private func lastUpdate() throws(PipelineError) -> LastUpdate.Found {
        var pause = Self.shortestPause
        while true {
            do throws(StreamError) {
                return try LastUpdate.find(
                    of: identity.model,
                    on: identity.log,
                    in: try connection.openSource(),
                    deadline: .now + LastUpdate.patience
                )
            } catch {
                guard error.isTransient, !isClosed else { throw PipelineError(error) }
                wait(&pause)
            }
        }
    }

    private func wait(_ pause: inout Duration) {
        guard !isClosed else { return }
        // Closing ends it early.
        _ = wake.wait(timeout: .now() + pause / .seconds(1))
        pause = min(pause * 2, Self.longestPause)
    }

    private func tell(_ error: StreamError) {
        state.withLock { $0.trouble = error.message }
        logger.warning("updates are sent again: \(error.message)")
    }

    private func tell(_ notices: [StreamNotice]) {
        for case .warning(let text) in notices { logger.warning("\(text)") }
    }
}
