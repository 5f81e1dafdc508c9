internal import Streaming
internal import Synchronization

/// What librdkafka's threads tell, kept until the owner of a source or sink asks for it.
///
/// Log lines come from any thread, hence the lock. It holds at most `limit` notices; when one more
/// comes the oldest warning makes room, and the number of lost ones is itself a notice.
final class NoticeInbox: Sendable {
    private struct State {
        var notices: [StreamNotice] = []
        var droppedCount = 0
        var isDisconnected = false
        var lastFailure = ""
        /// Warnings already told since the last change of connection; the same is told once.
        var toldWarnings: Set<String> = []
    }

    /// Enough for minutes of rebalances; 512 notices of 200 bytes are 100 kB.
    private let limit = 512
    /// Distinct warnings remembered; when there are more all may be told again.
    private let toldLimit = 64
    private let state = Mutex(State())
    /// The brokers' addresses, for the text of `disconnected`.
    private let address: String

    init(address: String) { self.address = address }

    /// Whether the last thing known is that no broker answers.
    var isDisconnected: Bool { state.withLock { $0.isDisconnected } }

    /// Text of the last failed connection; empty when none failed since the last success.
    var lastFailure: String { state.withLock { $0.lastFailure } }

    /// Remembers why a connection failed, to be told if all of them do.
    func connectionFailed(_ text: String) {
        state.withLock { $0.lastFailure = text }
    }

    /// All brokers are gone; told once until `connected`.
    func disconnected(_ text: String) {
        state.withLock { state in
            guard !state.isDisconnected else { return }
            state.isDisconnected = true
            let reason = state.lastFailure.isEmpty ? text : state.lastFailure
            append(.disconnected("no broker of \(address) answers (\(reason))"), to: &state)
        }
    }

    /// A broker answers again.
    func connected() {
        state.withLock { state in
            guard state.isDisconnected else { return }
            state.isDisconnected = false
            state.lastFailure = ""
            state.toldWarnings = []
            append(.connected, to: &state)
        }
    }

    /// Tells a warning, unless the same was told since the last change of connection.
    func warn(_ text: String) {
        // librdkafka adds "(after 3ms in state CONNECT, 5 identical error(s) suppressed)".
        let subject = text.firstRange(of: " (after ").map { String(text[..<$0.lowerBound]) } ?? text
        state.withLock { state in
            if state.toldWarnings.count >= toldLimit { state.toldWarnings = [] }
            guard state.toldWarnings.insert(subject).inserted else { return }
            append(.warning(text), to: &state)
        }
    }

    /// Adds a notice.
    func add(_ notice: StreamNotice) {
        state.withLock { append(notice, to: &$0) }
    }

    /// Everything since the last call, oldest first.
    func take() -> [StreamNotice] {
        state.withLock { state in
            var notices = state.notices
            if state.droppedCount > 0 {
                notices.append(.warning("\(state.droppedCount) Kafka notices were dropped"))
            }
            state.notices = []
            state.droppedCount = 0
            return notices
        }
    }

    private func append(_ notice: StreamNotice, to state: inout State) {
        if state.notices.count >= limit {
            let oldestWarning = state.notices.firstIndex {
                if case .warning = $0 { true } else { false }
            }
            state.notices.remove(at: oldestWarning ?? 0)
            state.droppedCount += 1
        }
        state.notices.append(notice)
    }
}
