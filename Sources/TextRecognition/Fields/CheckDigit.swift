/// How the last characters of a number follow from those before them.
///
/// A separator (space, `-`, `.`, `/`) is not part of the number, except for `icao`, whose fields have
/// none.
public enum CheckDigit: String, Sendable, Codable, CaseIterable {
    /// ISO/IEC 7812-1, annex B: digits; payment cards.
    case luhn
    /// ICAO Doc 9303 part 3, section 4.9: weights 7, 3, 1; digits, A = 10 … Z = 35, `<` = 0.
    case icao
    /// ISO 7064 MOD 11-2: digits, the check character 0–9 or X.
    case mod11Radix2 = "mod11-2"
    /// ISO 7064 MOD 37-2: digits and letters, the check character 0–9, A–Z or `*`.
    case mod37Radix2 = "mod37-2"
    /// ISO 7064 MOD 97-10: digits and letters (A = 10 … Z = 35), two check digits at the end.
    case mod97Radix10 = "mod97-10"
    /// ISO 7064 MOD 97-10 after the first four characters were moved to the end (ISO 13616, IBAN).
    case iban
    /// ISO 7064 MOD 11,10: digits, the check digit 0–9.
    case mod11Hybrid10 = "mod11,10"
    /// ISO 7064 MOD 37,36: digits and letters, the check character 0–9 or A–Z.
    case mod37Hybrid36 = "mod37,36"

    /// Whether the check characters at the end of `text` are right; false for what is not such a
    /// number.
    public func accepts(_ text: some StringProtocol) -> Bool {
        let separators: Set<Character> = [" ", "-", ".", "/"]
        let symbols = self == .icao ? Array(text) : text.filter { !separators.contains($0) }
        guard symbols.count >= 2 else { return false }
        switch self {
        case .luhn: return acceptsLuhn(symbols)
        case .icao: return acceptsICAO(symbols)
        case .mod11Radix2: return acceptsRadix2(symbols, modulus: 11, letters: false, check: "X")
        case .mod37Radix2: return acceptsRadix2(symbols, modulus: 37, letters: true, check: "*")
        case .mod97Radix10: return symbols.count > 2 && remainder97(symbols) == 1
        case .iban: return symbols.count > 4 && remainder97(symbols[4...] + symbols[..<4]) == 1
        case .mod11Hybrid10: return acceptsHybrid(symbols, modulus: 10, letters: false)
        case .mod37Hybrid36: return acceptsHybrid(symbols, modulus: 36, letters: true)
        }
    }

    /// The check character that belongs behind a text; nil when the text has a character that does
    /// not count, and for the systems with two.
    public func character(after text: some StringProtocol) -> Character? {
        guard self != .mod97Radix10, self != .iban else { return nil }
        return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*".first { accepts(String(text) + String($0)) }
    }

    /// 0–9 for digits, 10–35 for capital letters.
    private func value(_ symbol: Character, letters: Bool) -> Int? {
        guard let ascii = symbol.asciiValue else { return nil }
        switch ascii {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return Int(ascii) - 48
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return letters ? Int(ascii) - 55 : nil
        default: return nil
        }
    }

    private func acceptsLuhn(_ symbols: [Character]) -> Bool {
        var sum = 0
        for (place, symbol) in symbols.reversed().enumerated() {
            guard let digit = value(symbol, letters: false) else { return false }
            let doubled = place % 2 == 1 ? digit * 2 : digit
            sum += doubled > 9 ? doubled - 9 : doubled
        }
        return sum % 10 == 0
    }

    private func acceptsICAO(_ symbols: [Character]) -> Bool {
        var sum = 0
        for (place, symbol) in symbols.dropLast().enumerated() {
            guard let number = symbol == "<" ? 0 : value(symbol, letters: true) else {
                return false
            }
            sum += number * [7, 3, 1][place % 3]
        }
        guard let last = symbols.last else { return false }
        // The check digit of an empty optional field may be a filler (Doc 9303 part 5, 4.2.2).
        if last == "<" { return symbols.allSatisfy { $0 == "<" } }
        return value(last, letters: false) == sum % 10
    }

    /// Pure systems with radix 2: Σ a_i 2^(n-i) ≡ 1.
    private func acceptsRadix2(
        _ symbols: [Character],
        modulus: Int,
        letters: Bool,
        check: Character
    ) -> Bool {
        var sum = 0
        for (place, symbol) in symbols.enumerated() {
            let isLast = place == symbols.count - 1
            let number =
                isLast && symbol == check ? modulus - 1 : value(symbol, letters: letters)
            guard let number else { return false }
            sum = isLast ? (sum + number) % modulus : (sum + number) * 2 % modulus
        }
        return sum == 1
    }

    private func remainder97(_ symbols: some Sequence<Character>) -> Int? {
        var remainder = 0
        for symbol in symbols {
            guard let number = value(symbol, letters: true) else { return nil }
            remainder = (remainder * (number > 9 ? 100 : 10) + number) % 97
        }
        return remainder
    }

    /// Hybrid systems MOD M+1,M.
    private func acceptsHybrid(_ symbols: [Character], modulus: Int, letters: Bool) -> Bool {
        var product = modulus
        for symbol in symbols.dropLast() {
            guard let number = value(symbol, letters: letters) else { return false }
            var sum = (product + number) % modulus
            if sum == 0 { sum = modulus }
            product = sum * 2 % (modulus + 1)
        }
        guard let last = symbols.last, let number = value(last, letters: letters) else {
            return false
        }
        return (product + number) % modulus == 1
    }
}
