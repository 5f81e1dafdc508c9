import Foundation

/// Where the time of day comes from.
///
/// Nothing that reaches a model may depend on it.
public struct WallClock: Sendable {
    /// Milliseconds since 1970, now.
    public let now: @Sendable () -> Int64

    /// A clock that reads `now`.
    public init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// The machine's clock.
    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension Duration {
    /// The duration in milliseconds, rounded down.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
