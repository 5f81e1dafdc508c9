/// A value of one type that is written in the configuration as one piece of text.
protocol SettingText: Codable {
    /// Reads the text; nil when it is not of this form.
    init?(settingText: String)
    /// The shortest text that reads back as this value.
    var settingText: String { get }
    /// What the text must be, for error messages: `a duration such as 100ms`.
    static var expectation: String { get }
}

extension SettingText {
    init(from decoder: any Decoder) throws {
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

    func encode(to encoder: any Encoder) throws {
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
    guard var total = Int64(whole) else { return nil }
    let (product, overflow) = total.multipliedReportingOverflow(by: scale)
    guard !overflow else { return nil }
    total = product
    var place = scale
    for digit in fraction {
        guard let value = digit.wholeNumberValue else { return nil }
        if value == 0 && place % 10 != 0 { continue }
        guard place % 10 == 0 else { return nil }
        place /= 10
        let (sum, overflow) = total.addingReportingOverflow(place * Int64(value))
        guard !overflow else { return nil }
        total = sum
    }
    return total
}
