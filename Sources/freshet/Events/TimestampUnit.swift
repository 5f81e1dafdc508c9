import Foundation

/// How timestamps are written in a file.
enum TimestampUnit: String, CaseIterable, Sendable {
    /// Seconds since 1970, with or without a fraction.
    case seconds = "s"
    /// Milliseconds since 1970.
    case milliseconds = "ms"
    /// Microseconds since 1970.
    case microseconds = "us"
    /// Nanoseconds since 1970.
    case nanoseconds = "ns"
    /// `2024-05-01T12:00:00Z`.
    case iso8601
    /// Seconds below 100,000,000,000 (the year 5138), milliseconds from there (March 1973) on.
    case automatic = "auto"

    /// The last moment of the year 9999: what is later was not meant.
    private static let latest: Int64 = 253_402_300_799_999

    /// Milliseconds since 1970.
    func milliseconds(_ text: String) throws(LineProblem) -> Int64 {
        let result = self == .iso8601 ? Self.parseISO8601(text) : scaled(text)
        guard let result, (0...Self.latest).contains(result) else {
            throw LineProblem(
                "the timestamp \(EventField.quoted(text)) is none from 1970 to 9999 (\(unitName))"
            )
        }
        return result
    }

    private var unitName: String {
        self == .automatic ? "in seconds or milliseconds" : "in unit \"\(rawValue)\""
    }

    private func scaled(_ text: String) -> Int64? {
        if let whole = Int64(text) {
            switch self {
            case .seconds: return Self.product(whole, 1000)
            case .milliseconds: return whole
            case .microseconds: return whole / 1000
            case .nanoseconds: return whole / 1_000_000
            case .automatic: return whole < 100_000_000_000 ? Self.product(whole, 1000) : whole
            case .iso8601: return nil
            }
        }
        guard let number = Double(text), number.isFinite else { return nil }
        let factor: Double =
            switch self {
            case .seconds: 1000
            case .milliseconds: 1
            case .microseconds: 1e-3
            case .nanoseconds: 1e-6
            case .automatic: number < 1e11 ? 1000 : 1
            case .iso8601: .nan
            }
        return Int64(exactly: (number * factor).rounded(.down))
    }

    private static func product(_ value: Int64, _ factor: Int64) -> Int64? {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    private static func parseISO8601(_ text: String) -> Int64? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
        guard let date = try? style.parse(text) else { return nil }
        return Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded())
    }
}
