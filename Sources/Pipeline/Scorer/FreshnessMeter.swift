import Histogram
import Learning

/// How long events took from their timestamp until a scorer's answers knew of them.
///
/// Events older than an hour when they arrive are history that somebody imported: they are counted
/// apart, since their age says nothing about the system.
struct FreshnessMeter {
    private static let historyAge: Int64 = 3_600_000

    private var histogram = Histogram<UInt64>(
        highestTrackableValue: UInt64(historyAge),
        numberOfSignificantValueDigits: .three
    )
    private var historicalCount: Int64 = 0
    /// The newest update whose events were measured: one that is read again is not measured again.
    private var measured: (epoch: Int64, sequence: Int64) = (0, 0)

    /// Takes note that the events of an update became servable at `now` (ms since 1970).
    mutating func record(
        _ events: [(timestamp: Int64, count: Int64)],
        epoch: Int64,
        sequence: Int64,
        now: Int64
    ) {
        guard (epoch, sequence) > measured else { return }
        measured = (epoch, sequence)
        for (timestamp, count) in events {
            guard count > 0, timestamp > now - Self.historyAge else {
                historicalCount += max(0, count)
                continue
            }
            // Clocks of two machines may differ: an event from the future took no time.
            histogram.record(UInt64(max(0, now - timestamp)), count: UInt64(count))
        }
    }

    var summary: FreshnessSummary {
        FreshnessSummary(
            count: Int64(histogram.totalCount),
            historicalCount: historicalCount,
            p50: Int64(histogram.valueAtPercentile(50)),
            p99: Int64(histogram.valueAtPercentile(99)),
            maximum: Int64(histogram.max)
        )
    }
}

/// Time from an event's timestamp until it was servable, over all events of a scorer's life.
public struct FreshnessSummary: Sendable, Equatable {
    /// Events measured.
    public var count: Int64
    /// Events that were over an hour old when they became servable: not part of the figures.
    public var historicalCount: Int64
    /// Median, in milliseconds.
    public var p50: Int64
    /// 99th percentile, in milliseconds.
    public var p99: Int64
    /// Largest, in milliseconds.
    public var maximum: Int64

    /// The summary of no events.
    public static let none = FreshnessSummary(
        count: 0,
        historicalCount: 0,
        p50: 0,
        p99: 0,
        maximum: 0
    )
}
