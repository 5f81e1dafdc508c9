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
        guard let cut = image.field(field.box, of: card.quad, margin: margin) else { return nil }
        return LabeledLine(image: cut, text: field.text, template: card.template, field: field.name)
    }
}

extension GrayImage {
    /// A field of the card that has its corners at `card`, straightened, with `margin` around it in
    /// parts of the box's height; nil when the card has no area.
    func field(_ box: CardTemplate.Box, of card: Quad, margin: Double) -> GrayImage? {
        // The card's sides as they are seen, so that the cut has about the pixels of the photograph.
        let across = card.topLeft.distance(to: card.topRight)
        let down = card.topLeft.distance(to: card.bottomLeft)
        let room = margin * box.height * down
        let width = box.width * across + 2 * room
        let height = box.height * down + 2 * room
        guard
            let mapping = Homography(
                from: Quad(x: 0, y: 0, width: across, height: down),
                to: card
            )
        else { return nil }
        let place = Quad(
            x: box.x * across - room,
            y: box.y * down - room,
            width: width,
            height: height
        )
        return rectified(
            mapping(place),
            width: max(8, Int(width.rounded())),
            height: max(8, Int(height.rounded()))
        )
    }
}

extension Point {
    /// How far another place is, in pixels.
    func distance(to other: Point) -> Double {
        let (dx, dy) = (x - other.x, y - other.y)
        return (dx * dx + dy * dy).squareRoot()
    }
}
