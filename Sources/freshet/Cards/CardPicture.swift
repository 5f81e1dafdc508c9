import TextRecognition

/// What `freshet cards generate` makes one of.
enum CardPicture {
    /// A line of text.
    case line(LabeledLine)
    /// A photograph with the cards on it.
    case scene(CardScene)

    /// The picture without what is known of it.
    var image: GrayImage {
        switch self {
        case .line(let line): line.image
        case .scene(let scene): scene.image
        }
    }
}

/// The fields of the cards of one scene after the other, as lines.
struct CardFieldLines {
    private let generator: CardGenerator
    private var scene = 0
    private var waiting: [LabeledLine] = []

    /// Begins with the first scene.
    init(_ generator: CardGenerator) { self.generator = generator }

    /// The next field; scenes without a card are passed over.
    mutating func next() -> LabeledLine {
        while waiting.isEmpty {
            waiting = generator.scene(at: scene).lines().reversed()
            scene += 1
        }
        return waiting.removeLast()
    }
}
