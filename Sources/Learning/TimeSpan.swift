/// A length of time as it is written in the configuration: `100ms`, `30s`, `1.5h`, `7d`.
///
/// Never negative, counted in whole nanoseconds.
public struct TimeSpan: SettingText, Sendable, Equatable {
    /// What the text must be.
    public static let expectation = "a duration such as 100ms, 30s, 5m, 2h or 7d"

    /// Units, largest first, in nanoseconds.
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1),
    ]

    /// The length.
    public var nanoseconds: Int64

    /// The length, for the standard library.
    public var duration: Duration { .nanoseconds(nanoseconds) }
    /// The length in milliseconds, rounded up, so that a short one does not become none.
    public var milliseconds: Int64 {
        nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)
    }

    /// A length given in the program; a negative one counts as none.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooLarge) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        nanoseconds = overflow || tooLarge ? Int64.max : max(sum, 0)
    }

    /// Reads a number and its unit; nil when it is none.
    public init?(settingText: String) {
        guard let (whole, fraction, unit) = splitQuantity(settingText) else { return nil }
        // Nothing is nothing in any unit.
        let name = unit.isEmpty && settingText == "0" ? "ns" : String(unit)
        guard let scale = Self.units.first(where: { $0.name == name })?.nanoseconds,
            let nanoseconds = scaledQuantity(whole, fraction, by: scale)
        else { return nil }
        self.nanoseconds = nanoseconds
    }

    /// The number in the largest unit that divides it.
    public var settingText: String {
        for unit in Self.units where nanoseconds > 0 && nanoseconds % unit.nanoseconds == 0 {
            return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
        }
        return "0s"
    }
}
