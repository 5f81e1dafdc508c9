internal import Learning

/// What stands on synthetic lines.
struct LineTexts: Sendable {
    /// Kinds of lines, as they are named in `LabeledLine.field`.
    enum Field: String, Sendable {
        case number, date, name, zone, mixed
    }

    private let numbers: [FieldPattern]
    private let mixed: [FieldPattern]
    private let scenario: CardScenario

    init(_ scenario: CardScenario) {
        self.scenario = scenario
        numbers = Self.patterns(scenario.numberPatterns)
        // Any character beside any other.
        mixed = Self.patterns([
            #"[0-9A-HJ-NPR-Z]{3,12}"#, #"[0-9A-HJ-NPR-Z\-./:<]{4,16}"#,
            #"[A-Z]{3,9}[ \-./:<][0-9]{2,7}"#, #"[A-Z]{2,7}[ \-./:][A-Z]{2,8}"#,
            #"[0-9]{2,5}[ \-./:<][0-9]{2,5}([ \-./:<][0-9]{1,4})?"#,
            #"[0-2][0-9]:[0-5][0-9]"#, #"[A-Z]{1,3}:[0-9]{1,3}\.[0-9]{2}"#, #"[A-Z]"#, #"\d"#,
        ])
    }

    private static func patterns(_ texts: [String]) -> [FieldPattern] {
        texts.map { text in
            do throws(TextRecognitionError) {
                return try FieldPattern(text)
            } catch {
                // They are written above and in `CardScenario`, and a test reads each.
                preconditionFailure("\(error)")
            }
        }
    }

    func draw(_ random: inout KeyedRandom) -> (text: String, field: Field) {
        // Where numbers are what changed, they are what the lines hold.
        if scenario == .newNumberFormat { return (number(&random), .number) }
        switch random.unit() {
        case ..<0.45: return (number(&random), .number)
        case ..<0.57: return (Holder(&random).birth.text(random.index(below: 6)), .date)
        case ..<0.72:
            let holder = Holder(&random)
            let names = [
                holder.surname, holder.givenNames, holder.surname + " " + holder.givenNames,
            ]
            return (random.pick(names), .name)
        case ..<0.79: return (zoneLine(&random), .zone)
        default: return (random.pick(mixed).text(&random), .mixed)
        }
    }

    private func number(_ random: inout KeyedRandom) -> String {
        random.pick(numbers).text(&random)
    }

    private func zoneLine(_ random: inout KeyedRandom) -> String {
        let holder = Holder(&random)
        let number = number(&random).filter { $0.isLetter || $0.isNumber }
        return random.chance(0.6)
            ? random.pick(MachineReadableZone.card(holder, number: number))
            : random.pick(MachineReadableZone.passport(holder, number: number))
    }
}
