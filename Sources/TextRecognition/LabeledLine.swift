/// A line of text cut out of a picture, with what stands there.
public struct LabeledLine: Sendable, Equatable {
    /// Of any size; the recognizer scales it to its height of 32.
    public var image: GrayImage
    /// What stands there.
    public var text: String
    /// Which design; "" when unknown.
    public var template: String
    /// Which field of it; "" when unknown.
    public var field: String

    /// Describes a line.
    public init(image: GrayImage, text: String, template: String = "", field: String = "") {
        self.image = image
        self.text = text
        self.template = template
        self.field = field
    }
}

/// A source of lines, the same for the same seed and index whatever was asked before.
public protocol LineSource: Sendable {
    /// The line at an index, which is 0 or more.
    func line(at index: Int) -> LabeledLine
}
