/// What was read on one card of a photograph.
public struct CardReading: Sendable, Equatable {
    /// A field of the card.
    public struct Field: Sendable, Equatable {
        /// What the template calls it.
        public var name: String
        /// Where its box is in the photograph.
        public var quad: Quad
        /// What stands there, how sure that is, and whether it is of the form that the template
        /// declares.
        public var reading: Reading
    }

    /// The card's corners in the photograph, clockwise from the one where reading begins.
    public var quad: Quad
    /// How likely there is a card, 0 to 1.
    public var confidence: Double
    /// Which design it is of those that were asked for.
    public var template: String
    /// How well the texts fit that design, 0 to 1: the share of characters that are as its patterns
    /// have them, of the number or, where that left a doubt, of all fields with a pattern.
    public var agreement: Double
    /// The fields in the order of the template.
    public var fields: [Field]
}

extension CardReading {
    /// Whether all that is said is a number.
    var isFinite: Bool {
        confidence.isFinite && agreement.isFinite && quad.isFinite
            && fields.allSatisfy { $0.quad.isFinite && $0.reading.isFinite }
    }
}

extension Quad {
    /// Whether all corners are somewhere.
    var isFinite: Bool { corners.allSatisfy { $0.x.isFinite && $0.y.isFinite } }
}
