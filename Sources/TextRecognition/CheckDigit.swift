/// A character at the end of a text that follows from the others.
public enum CheckDigit: String, Sendable, CaseIterable, Codable {
    /// ISO/IEC 7812, bank cards: every second digit from the right doubled, of the others' sum.
    case luhn
    /// ICAO 9303 part 3, section 4.9: weights 7, 3, 1, modulo 10; letters count from 10.
    case icao9303
    /// ISO/IEC 7064 MOD 11-2, of digits; the character may be X.
    case iso7064Mod11 = "iso7064-mod-11-2"

    /// The character that belongs behind a text; nil when the text has one that does not count.
    ///
    /// Spaces and hyphens do not count for `luhn` and `iso7064Mod11`.
    public func character(after text: some StringProtocol) -> Character? {
        var values: [Int] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): values.append(Int(byte) - 48)
            case UInt8(ascii: " ") where self != .icao9303: continue
            case UInt8(ascii: "-") where self != .icao9303: continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z") where self == .icao9303:
                values.append(Int(byte) - 55)
            case UInt8(ascii: "<") where self == .icao9303: values.append(0)
            default: return nil
            }
        }
        switch self {
        case .luhn: return Self.luhn(values)
        case .icao9303: return Self.icao(values)
        case .iso7064Mod11: return Self.mod11(values)
        }
    }

    /// Whether the last character of a text is the one that belongs there.
    public func holds(for text: some StringProtocol) -> Bool {
        guard let last = text.last else { return false }
        return character(after: text.dropLast()) == last
    }

    private static func luhn(_ values: [Int]) -> Character {
        var sum = 0
        for (index, value) in values.reversed().enumerated() {
            let product = index.isMultiple(of: 2) ? 2 * value : value
            sum += product > 9 ? product - 9 : product
        }
        return digit((10 - sum % 10) % 10)
    }

    private static func icao(_ values: [Int]) -> Character {
        let weights = [7, 3, 1]
        let sum = values.enumerated().reduce(0) { $0 + $1.element * weights[$1.offset % 3] }
        return digit(sum % 10)
    }

    private static func mod11(_ values: [Int]) -> Character {
        let rest = values.reduce(0) { ($0 + $1) * 2 % 11 }
        let value = (12 - rest) % 11
        return value == 10 ? "X" : digit(value)
    }

    private static func digit(_ value: Int) -> Character { Character(String(value)) }
}
