import Foundation

/// Shows how far long work has come: a bar on a terminal, a plain line now and then elsewhere.
///
/// Owned by one thread. Nothing is shown before the first interval is over: short work is silent.
struct Progress {
    private let title: String
    private let unit: String
    private let total: Int?
    private let isBar: Bool
    private let start = ContinuousClock.now
    private var nextUpdate: ContinuousClock.Instant
    private var hasBar = false

    /// A bar is redrawn ten times a second, as fast as one can read; lines come every ten seconds.
    private var interval: Duration { isBar ? .milliseconds(100) : .seconds(10) }

    /// Begins.
    init(_ title: String, unit: String, total: Int?, isBar: Bool = Messages.isTerminal) {
        self.title = title
        self.unit = unit
        self.total = total
        self.isBar = isBar
        nextUpdate = start
        nextUpdate = start + interval
    }

    /// Reports a count, and what else there is to say; cheap enough to be called once per batch.
    mutating func update(_ count: Int, note: @autoclosure () -> String? = nil) {
        let now = ContinuousClock.now
        guard now >= nextUpdate else { return }
        nextUpdate = now + interval
        var line = Self.line(title, unit, count, total, elapsed: now - start, isBar: isBar)
        if let note = note() { line += "  \(note)" }
        hasBar = isBar
        Messages.write(isBar ? "\r\(line)\u{1B}[K" : "freshet: \(line)\n")
    }

    /// Removes the bar, so that what follows begins on an empty line.
    mutating func finish() {
        if hasBar { Messages.write("\r\u{1B}[K") }
        hasBar = false
    }

    /// The time since the beginning.
    var elapsed: Duration { ContinuousClock.now - start }

    /// The line that is shown: `Sending  [######····]  60 %  600,000 events  240,000/s`.
    static func line(
        _ title: String,
        _ unit: String,
        _ count: Int,
        _ total: Int?,
        elapsed: Duration,
        isBar: Bool
    ) -> String {
        var parts = [title]
        if let total, total > 0 {
            let share = min(max(Double(count) / Double(total), 0), 1)
            if isBar {
                let width = 24
                let filled = Int(share * Double(width))
                parts.append(
                    "[" + String(repeating: "#", count: filled)
                        + String(repeating: "·", count: width - filled) + "]"
                )
            }
            parts.append("\(Int(share * 100)) %")
        }
        parts.append("\(grouped(count)) \(unit)")
        parts.append("\(grouped(rate(count, elapsed)))/s")
        return parts.joined(separator: "  ")
    }
}

/// Events per second; 0 before any time has passed.
func rate(_ count: Int, _ elapsed: Duration) -> Int {
    let seconds = elapsed / .seconds(1)
    let rate = seconds > 0 ? Double(count) / seconds : 0
    return Int(exactly: rate.rounded()) ?? 0
}

/// A number with a comma between thousands.
func grouped(_ number: some BinaryInteger) -> String {
    var digits = Array(String(number.magnitude))
    var index = digits.count - 3
    while index > 0 {
        digits.insert(",", at: index)
        index -= 3
    }
    return (number < 0 ? "-" : "") + String(digits)
}
