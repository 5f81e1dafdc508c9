import Dispatch
import Foundation
import Synchronization

/// Notices SIGINT and SIGTERM, so that work in progress ends in order instead of being cut off.
///
/// A second signal ends the process at once. Sound to share between threads: the sources are set up
/// in `init` and cancelled in `deinit`, and all that changes in between is the flag, which has a lock.
final class Interruption: @unchecked Sendable {
    private let flag = Flag()
    private let sources: [any DispatchSourceSignal]

    /// Begins to listen; the signals no longer end the process.
    init() {
        sources = [SIGINT, SIGTERM].map { [flag] number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { if flag.raise() { exit(130) } }
            source.resume()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }

    /// Whether the process was asked to end.
    var isRequested: Bool { flag.isRaised }

    /// Waits for up to `duration` and returns early once the process was asked to end.
    func sleep(_ duration: Duration) {
        let deadline = ContinuousClock.now + duration
        while !isRequested {
            let rest = deadline - .now
            guard rest > .zero else { return }
            let microseconds = min(rest, .milliseconds(50)) / .microseconds(1)
            usleep(UInt32(max(microseconds, 1)))
        }
    }
}

/// Raised once and for all; may be used from any thread.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isRaised: Bool { state.withLock { $0 } }

    /// Raises it and says whether it was raised before.
    func raise() -> Bool {
        state.withLock { state in
            defer { state = true }
            return state
        }
    }
}
