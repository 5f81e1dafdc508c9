import Synchronization

/// Takes the answer to one request, from any thread, and passes it on once.
///
/// A handler that forgets to answer lets go of it: then the connection is closed, since its client
/// would wait for ever. A second answer is dropped, since the client would take it for the answer
/// to its next request.
final class Reply: Sendable {
    private let isGiven = Atomic<Bool>(false)
    private let deliver: @Sendable (Answer) -> Void

    init(_ deliver: @escaping @Sendable (Answer) -> Void) { self.deliver = deliver }

    deinit { give(.failed(reason: "nobody answered", answer: nil)) }

    /// Passes the answer on, unless there was one.
    func give(_ answer: Answer) {
        if !isGiven.exchange(true, ordering: .relaxed) { deliver(answer) }
    }
}
