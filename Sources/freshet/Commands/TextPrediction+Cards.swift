import TextRecognition

/// What an answer says of the cards in a photograph.
extension TextPrediction {
    /// A card.
    struct Card: Codable, Equatable {
        /// Its corners in pixels, clockwise from where reading begins.
        var quad: [[Double]]
        var confidence: Double
        /// Which design it is.
        var template: String
        /// How well its texts fit that design, 0 to 1.
        var agreement: Double
        var fields: [Field]
    }

    /// A field of a card.
    struct Field: Codable, Equatable {
        var field: String
        var text: String
        var confidence: Double
        var characters: [Double]
        /// Whether the text is of the form that the design declares.
        var valid: Bool
        var quad: [[Double]]

        /// How sure the text is.
        var remark: String {
            let percent = TextPrediction.percent(confidence)
            return valid ? percent : "\(percent), not of the form of the design"
        }
    }

    /// What a version reads on cards, without a request.
    init(_ cards: [CardReading], model: String, version: Int64) {
        self.cards = cards.map(Card.init)
        self.model = model
        self.version = version
    }

    /// FILE, CARD, FIELD, TEXT and CONFIDENCE, a row for each field.
    func cardRows(of file: String) -> [[String]] {
        guard let cards, error == nil else { return [[file, "", "", "", remark]] }
        guard !cards.isEmpty else { return [[file, "no card", "", "", ""]] }
        return cards.enumerated().flatMap { index, card in
            let name = "\(index + 1) \(card.template)"
            guard !card.fields.isEmpty else {
                return [[file, name, "", "", "too narrow to be read"]]
            }
            return card.fields.map { [file, name, $0.field, $0.text, $0.remark] }
        }
    }

    /// The cards in few words; nil for a line.
    var cardSummary: String? {
        guard let cards else { return nil }
        guard !cards.isEmpty else { return "no card" }
        return cards.map { card in
            let number = card.fields.first { $0.field == "number" }
            return number.map { "\(card.template) \($0.text) (\($0.remark))" } ?? card.template
        }
        .joined(separator: ", ")
    }
}

extension TextPrediction.Card {
    fileprivate init(_ card: CardReading) {
        self.init(
            quad: card.quad.places,
            confidence: card.confidence,
            template: card.template,
            agreement: card.agreement,
            fields: card.fields.map { field in
                TextPrediction.Field(
                    field: field.name,
                    text: field.reading.text,
                    confidence: field.reading.confidence,
                    characters: field.reading.characterConfidences,
                    valid: field.reading.isValid,
                    quad: field.quad.places
                )
            }
        )
    }
}
