/// Says how long to wait before each event, so that events leave at a wanted speed.
///
/// Owned by one thread. Works by the time since the start, so that errors do not add up.
struct Pacer {
    /// How fast events are to leave.
    enum Pace: Equatable {
        /// As fast as they can.
        case unlimited
        /// So many a second, evenly.
        case rate(Double)
        /// As their timestamps say, so many times as fast.
        case speed(Double)
    }

    private let pace: Pace
    private let start: ContinuousClock.Instant
    private var firstTimestamp: Int64?

    init(_ pace: Pace, start: ContinuousClock.Instant = .now) {
        self.pace = pace
        self.start = start
    }

    /// When, after the start, an event is to leave.
    mutating func due(index: Int, timestamp: Int64) -> Duration {
        switch pace {
        case .unlimited:
            return .zero
        case .rate(let perSecond):
            return .seconds(Double(index) / perSecond)
        case .speed(let factor):
            let first = firstTimestamp ?? timestamp
            firstTimestamp = first
            return .seconds(max(0, Double(timestamp) - Double(first)) / 1000 / factor)
        }
    }

    /// How long to wait, now, for an event; zero or less when it is due.
    mutating func wait(index: Int, timestamp: Int64) -> Duration {
        guard pace != .unlimited else { return .zero }
        return due(index: index, timestamp: timestamp) - (.now - start)
    }
}
