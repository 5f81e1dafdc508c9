import Synchronization

/// Waits for several results that come from any threads, and passes them on together, in order.
final class Gather<Value: Sendable>: Sendable {
    private let state: Mutex<State>
    private let completion: @Sendable ([Value]) -> Void

    private struct State {
        var values: [Value?]
        var missing: Int
    }

    /// Waits for `count` results; calls `completion` at once if that is none.
    init(_ count: Int, completion: @escaping @Sendable ([Value]) -> Void) {
        state = Mutex(State(values: Array(repeating: nil, count: count), missing: count))
        self.completion = completion
        if count == 0 { completion([]) }
    }

    /// Hands in one result, once for each index.
    func set(_ index: Int, _ value: Value) {
        let all: [Value]? = state.withLock { state in
            precondition(state.values[index] == nil, "result \(index) is handed in twice")
            state.values[index] = value
            state.missing -= 1
            return state.missing == 0 ? state.values.compactMap { $0 } : nil
        }
        if let all { completion(all) }
    }
}
