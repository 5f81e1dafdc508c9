/// The fields of the cards of one scene after the other, as lines.
public struct CardFieldSource {
    private let generator: CardGenerator
    private var scene = 0
    private var waiting: [LabeledLine] = []

    /// Begins with the first scene.
    public init(_ generator: CardGenerator) { self.generator = generator }

    /// The next field; scenes without a card are passed over.
    public mutating func next() -> LabeledLine {
        while waiting.isEmpty {
            waiting = generator.scene(at: scene).lines().reversed()
            scene += 1
        }
        return waiting.removeLast()
    }
}
