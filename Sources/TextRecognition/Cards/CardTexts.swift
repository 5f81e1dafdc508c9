internal import Learning

/// What stands on one card.
struct CardTexts {
    /// The texts of the fields, in the order of the template.
    let texts: [String]

    init(_ template: CardTemplate, _ scenario: CardScenario, _ random: inout KeyedRandom) {
        let holder = Holder(&random)
        // The number first: machine-readable lines hold it too.
        let patterned = template.fields.map { field -> String? in
            guard let pattern = field.pattern else { return nil }
            if field.name == "number" && scenario == .newNumberFormat {
                return Self.newNumber(&random)
            }
            let text = pattern.text(&random)
            return text + (field.check?.character(after: text).map(String.init) ?? "")
        }
        let index = template.fields.firstIndex { $0.name == "number" }
        let number = (index.flatMap { patterned[$0] } ?? "").filter { $0.isLetter || $0.isNumber }
        texts = zip(template.fields, patterned).map { field, text in
            text ?? Self.text(field, holder, number)
        }
    }

    private static func newNumber(_ random: inout KeyedRandom) -> String {
        do throws(TextRecognitionError) {
            let pattern = random.pick(CardScenario.newNumberFormat.numberPatterns)
            return try FieldPattern(pattern).text(&random)
        } catch {
            // They are written in `CardScenario`, and a test reads each.
            preconditionFailure("\(error)")
        }
    }

    private static func text(_ field: CardTemplate.Field, _ holder: Holder, _ number: String)
        -> String
    {
        switch field.content {
        case .surname, nil: holder.surname
        case .givenNames: holder.givenNames
        case .fullName: "\(holder.givenNames) \(holder.surname)"
        case .birthDate: holder.birth.text(field.style)
        case .expiryDate: holder.expiry.text(field.style)
        case .sex: holder.sex
        case .state: holder.state
        case .zone1: MachineReadableZone.card(holder, number: number)[0]
        case .zone2: MachineReadableZone.card(holder, number: number)[1]
        case .zone3: MachineReadableZone.card(holder, number: number)[2]
        case .passportZone1: MachineReadableZone.passport(holder, number: number)[0]
        case .passportZone2: MachineReadableZone.passport(holder, number: number)[1]
        }
    }
}
