extension CardTemplate.Field {
    /// What is known of the field before it is read: its pattern with the check character, or what
    /// its content looks like.
    public var format: FieldFormat {
        if let pattern {
            guard let check else { return FieldFormat(pattern: pattern) }
            return FieldFormat(
                pattern: Self.pattern("(\(pattern.source))[0-9A-Z]"),
                checkDigit: check
            )
        }
        return switch content {
        case .surname, .givenNames, .fullName, nil:
            FieldFormat(characters: Set("ABCDEFGHIJKLMNOPQRSTUVWXYZ -"))
        case .birthDate, .expiryDate: FieldFormat(pattern: Self.pattern(Self.days[style]))
        case .sex: FieldFormat(pattern: Self.pattern("[FMX]"))
        case .state: FieldFormat(pattern: Self.pattern("[A-Z]{3}"))
        case .zone1, .zone2, .zone3: FieldFormat(pattern: Self.pattern("[A-Z0-9<]{30}"))
        case .passportZone1, .passportZone2:
            FieldFormat(pattern: Self.pattern("[A-Z0-9<]{44}"))
        }
    }

    /// By `style`: how days are written.
    private static let days = [
        #"[0-3]\d\.[01]\d\.[12]\d{3}"#, #"[0-3]\d/[01]\d/[12]\d{3}"#, #"[12]\d{3}-[01]\d-[0-3]\d"#,
        #"[0-3]\d [A-Z]{3} [12]\d{3}"#, #"[0-3]\d [01]\d [12]\d{3}"#, #"[0-3]\d-[01]\d-[12]\d{3}"#,
    ]

    /// Nil when a pattern that was just short enough is too long with one character behind it.
    private static func pattern(_ source: String) -> FieldPattern? { try? FieldPattern(source) }
}
