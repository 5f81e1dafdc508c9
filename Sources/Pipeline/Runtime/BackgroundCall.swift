import Synchronization

/// One call at a time on a thread of its own; its outcome waits until it is taken.
///
/// Begun and taken by one thread.
final class BackgroundCall<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, PipelineError>

    private enum State {
        case idle
        case working
        case finished(Outcome)
    }

    private let threadName: String
    private let state = Mutex(State.idle)

    init(threadName: String) { self.threadName = threadName }

    /// Whether a call is under way or its outcome waits to be taken.
    var isBusy: Bool {
        state.withLock { state in
            if case .idle = state { false } else { true }
        }
    }

    /// Begins a call.
    ///
    /// There must be none.
    func begin(_ body: @escaping @Sendable () throws(PipelineError) -> Value) {
        state.withLock { $0 = .working }
        _ = WorkerThread(name: threadName) { [self] in
            let outcome = Outcome { () throws(PipelineError) in try body() }
            state.withLock { $0 = .finished(outcome) }
        }
    }

    /// The outcome of the call that was begun, once it is there; then there is none.
    func takeOutcome() -> Outcome? {
        state.withLock { state in
            guard case .finished(let outcome) = state else { return nil }
            state = .idle
            return outcome
        }
    }
}
