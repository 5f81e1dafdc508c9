public import Learning

/// The shape of a recognizer of lines: part of every version's settings.
public struct RecognizerSettings: Codable, Sendable, Equatable {
    /// Channels of the five convolutions; multiples of 8.
    public var widths = [24, 48, 80, 112, 128]
    /// Dilations of the residual convolutions along the text, width 5 each.
    public var dilations = [1, 2, 4]
    /// The symbols that can be read, in the order of their classes; class 0 is the blank.
    public var alphabet = Alphabet.base
    /// What the weights of a new recognizer are drawn from.
    public var seed: UInt64 = 1

    /// The base model's settings.
    public init() {}

    /// Throws when something is out of range.
    public func validate() throws(LearningError) {
        guard widths.count == 5, widths.allSatisfy({ $0 % 8 == 0 && (8...1024).contains($0) })
        else {
            throw LearningError(
                .setting,
                "recognizer widths are \(widths)",
                remedy: "give five multiples of 8 from 8 to 1024"
            )
        }
        guard dilations.count <= 16, dilations.allSatisfy({ (1...64).contains($0) }) else {
            throw LearningError(
                .setting,
                "recognizer dilations are \(dilations)",
                remedy: "give at most 16 numbers from 1 to 64"
            )
        }
        try alphabet.validate()
    }
}
