/// A value of one type that is written in the configuration as one piece of text.
public protocol SettingText: Codable {
    /// Reads the text; nil when it is not of this form.
    init?(settingText: String)
    /// The shortest text that reads back as this value.
    var settingText: String { get }
    /// What the text must be, for error messages: `a duration such as 100ms`.
    static var expectation: String { get }
}

extension SettingText {
    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(settingText: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected \(Self.expectation)"
            )
        }
        self = value
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(settingText)
    }
}

/// Splits `12.5ms` into the number's digits and its unit.
///
/// Returns nil without digits or with a sign, an exponent or two points. The number is given as
/// whole digits and fractional digits, so that no binary fraction rounds it.
func splitQuantity(_ text: String) -> (whole: Substring, fraction: Substring, unit: Substring)? {
    let isDigit: (Character) -> Bool = { ("0"..."9").contains($0) }
    let whole = text.prefix(while: isDigit)
    guard !whole.isEmpty else { return nil }
    var rest = text[whole.endIndex...]
    var fraction: Substring = ""
    if rest.first == "." {
        fraction = rest.dropFirst().prefix(while: isDigit)
        guard !fraction.isEmpty else { return nil }
        rest = rest[fraction.endIndex...]
    }
    return (whole, fraction, rest.first == " " ? rest.dropFirst() : rest)
}

/// `whole.fraction` times `scale`; nil when that is no whole number or too large for Int64.
func scaledQuantity(_ whole: Substring, _ fraction: Substring, by scale: Int64) -> Int64? {
    var digits = fraction
    while digits.last == "0" { digits.removeLast() }
    // 10^18 is the largest power of ten in an Int64.
    guard let units = Int64(whole), digits.count <= 18,
        let parts = UInt64(digits.isEmpty ? "0" : digits)
    else { return nil }
    let divisor = digits.reduce(UInt64(1)) { power, _ in power * 10 }
    // The quotient is less than `scale`, since `parts` is less than `divisor`.
    let (share, remainder) = divisor.dividingFullWidth(
        parts.multipliedFullWidth(by: scale.magnitude)
    )
    let (product, isTooLarge) = units.multipliedReportingOverflow(by: scale)
    let (sum, overflow) = product.addingReportingOverflow(Int64(share))
    return remainder == 0 && !isTooLarge && !overflow ? sum : nil
}
