import Pipeline

/// Runs blocking work on a thread of its own and waits for its result without blocking a thread of
/// Swift's pool.
func onOwnThread<Value: Sendable>(
    _ name: String,
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        _ = WorkerThread(name: name) { continuation.resume(with: Result(catching: work)) }
    }
}
