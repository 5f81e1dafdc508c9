import Foundation

/// Moves events from a producer of them to an output, at a pace, with progress.
///
/// Runs on the calling thread until the events end or the process is asked to.
struct EventTransfer {
    /// How fast.
    var pace: Pacer.Pace
    /// Whether each event's timestamp becomes the time at which it leaves.
    var stampsNow: Bool
    /// How many there will be; nil when nobody knows.
    var total: Int?
    /// Asked before each event.
    var interruption: Interruption

    /// What was moved.
    struct Summary: Equatable {
        /// Number of events delivered.
        var count: Int
        /// How long it took, until the last was delivered.
        var elapsed: Duration
        /// Whether it ended before the events did.
        var isInterrupted: Bool
    }

    /// Moves events until `next` returns nil.
    ///
    /// Throws when one could not be delivered.
    func run(_ next: () throws -> Interaction?, to output: any EventOutput) throws -> Summary {
        var progress = Progress("Sending", unit: "events", total: total)
        defer { progress.finish() }
        var pacer = Pacer(pace)
        var count = 0
        while !isInterrupted(after: count), var interaction = try next() {
            let wait = pacer.wait(index: count, timestamp: interaction.timestamp)
            if wait > .zero {
                try output.hurry()
                interruption.sleep(wait)
                if interruption.isRequested { break }
            }
            if stampsNow { interaction.timestamp = Self.now() }
            try output.write(interaction)
            count += 1
            if count % 1024 == 0 || wait > .zero { progress.update(count) }
        }
        try output.finish()
        return Summary(
            count: count,
            elapsed: progress.elapsed,
            isInterrupted: interruption.isRequested
        )
    }

    /// Milliseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Looks once in a while: a look takes a lock.
    private func isInterrupted(after count: Int) -> Bool {
        count % 256 == 0 && interruption.isRequested
    }
}
