/// A photograph of a desk with cards on it, or without, and all that is known of it.
public struct CardScene: Sendable, Equatable {
    /// A field of a card in the photograph.
    public struct Field: Sendable, Equatable {
        /// What the template calls it.
        public var name: String
        /// What stands there.
        public var text: String
        /// Where it is on the card, in parts of its sides.
        public var box: CardTemplate.Box
        /// The corners of the box in the photograph.
        public var quad: Quad
    }

    /// A card in the photograph.
    public struct Card: Sendable, Equatable {
        /// Which design.
        public var template: String
        /// The corners, before they are rounded.
        public var quad: Quad
        /// Its fields, in the order of the template.
        public var fields: [Field]
    }

    /// The photograph.
    public var image: GrayImage
    /// The cards on it: none, one or several.
    public var cards: [Card]

    /// The fields of the cards as lines, cut out with some room around them.
    ///
    /// `margin` is that room, in parts of a box's height; the cut is straightened.
    public func lines(margin: Double = 0.15) -> [LabeledLine] {
        cards.flatMap { card in
            card.fields.compactMap { field in
                line(of: field, card, margin)
            }
        }
    }

    private func line(of field: Field, _ card: Card, _ margin: Double) -> LabeledLine? {
        // The card's sides as they are seen, so that the cut has about the pixels of the photograph.
        let across = card.quad.topLeft.distance(to: card.quad.topRight)
        let down = card.quad.topLeft.distance(to: card.quad.bottomLeft)
        let room = margin * field.box.height * down
        let box = Quad(
            x: field.box.x * across - room,
            y: field.box.y * down - room,
            width: field.box.width * across + 2 * room,
            height: field.box.height * down + 2 * room
        )
        guard
            let mapping = Homography(
                from: Quad(x: 0, y: 0, width: across, height: down),
                to: card.quad
            ),
            let cut = image.rectified(
                mapping(box),
                width: max(8, Int((field.box.width * across + 2 * room).rounded())),
                height: max(8, Int((field.box.height * down + 2 * room).rounded()))
            )
        else { return nil }
        return LabeledLine(image: cut, text: field.text, template: card.template, field: field.name)
    }
}

extension Point {
    /// How far another place is, in pixels.
    func distance(to other: Point) -> Double {
        let (dx, dy) = (x - other.x, y - other.y)
        return (dx * dx + dy * dy).squareRoot()
    }
}
