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
