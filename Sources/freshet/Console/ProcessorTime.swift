import Foundation

/// How much the process has computed, whatever else the machine did meanwhile.
enum ProcessorTime {
    /// Seconds of all threads since the process began.
    static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
