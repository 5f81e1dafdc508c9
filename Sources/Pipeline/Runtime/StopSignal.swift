import Synchronization

/// Tells a loop on its own thread to finish.
///
/// Set once, from any thread; never cleared.
public final class StopSignal: Sendable {
    private let flag = Atomic<Bool>(false)
    private let instant = Mutex<ContinuousClock.Instant?>(nil)

    /// A signal that has not been given.
    public init() {}

    /// Whether the loop should finish what it has begun and return.
    public var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Gives the signal.
    public func set() {
        instant.withLock { $0 = $0 ?? ContinuousClock().now }
        flag.store(true, ordering: .releasing)
    }

    /// Whether the signal was given longer ago than this: time to give up waiting for others.
    public func isSet(longerThan duration: Duration) -> Bool {
        guard isSet, let given = instant.withLock({ $0 }) else { return false }
        return ContinuousClock().now - given > duration
    }
}

/// The newest value of something that one thread writes and others read.
///
/// The lock is held for one copy, and the writer takes it per batch, never per event.
public final class Board<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    /// A board that shows `value` until something else is posted.
    public init(_ value: Value) {
        self.value = Mutex(value)
    }

    /// The newest value posted.
    public var current: Value { value.withLock { $0 } }

    /// Replaces the value.
    public func post(_ newValue: Value) { value.withLock { $0 = newValue } }
}
