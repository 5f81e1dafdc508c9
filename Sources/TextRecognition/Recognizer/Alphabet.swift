public import Learning

/// The symbols that a recognizer can read; the n-th is class n + 1, the blank is class 0.
public struct Alphabet: Sendable, Equatable, Codable {
    /// The symbols in order.
    public let symbols: [Character]
    private let classes: [Character: Int32]

    /// What the base model reads.
    public static let base = Alphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ -./:<")

    /// An alphabet of the characters of `text`, in their order.
    public init(_ text: String) {
        symbols = Array(text)
        var classes: [Character: Int32] = [:]
        for (index, symbol) in symbols.enumerated() { classes[symbol] = Int32(index + 1) }
        self.classes = classes
    }

    /// Reads the symbols as one string.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the symbols as one string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(symbols))
    }

    /// Equal when the symbols are the same in the same order.
    public static func == (left: Alphabet, right: Alphabet) -> Bool {
        left.symbols == right.symbols
    }

    /// Classes with the blank.
    public var classCount: Int { symbols.count + 1 }

    /// The symbol of a class other than the blank.
    public func symbol(of label: Int) -> Character { symbols[label - 1] }

    /// The class of a symbol; nil when it is not in the alphabet.
    public func label(of symbol: Character) -> Int? { classes[symbol].map(Int.init) }

    /// The classes of a text.
    ///
    /// Throws when a character is not in the alphabet, naming its place and not the text: texts are
    /// personal data.
    public func labels(of text: String) throws(TextRecognitionError) -> [Int32] {
        var labels: [Int32] = []
        for (index, symbol) in text.enumerated() {
            guard let label = classes[symbol] else {
                throw TextRecognitionError(
                    .format,
                    "character \(index + 1) of the text is not in the alphabet",
                    remedy: "correct the text, or add the character to the model's alphabet"
                )
            }
            labels.append(label)
        }
        return labels
    }

    /// The alphabet with what is new in `more` behind it: classes that exist keep their numbers.
    public func extended(by more: String) -> Alphabet {
        var added = ""
        for symbol in more where classes[symbol] == nil && !added.contains(symbol) {
            added.append(symbol)
        }
        return Alphabet(String(symbols) + added)
    }

    /// Throws when there are no symbols, too many, or one twice.
    public func validate() throws(LearningError) {
        guard (1...8192).contains(symbols.count) else {
            throw LearningError(
                .setting,
                "the alphabet has \(symbols.count) symbols",
                remedy: "give 1 to 8192"
            )
        }
        var seen: Set<Character> = []
        for symbol in symbols where !seen.insert(symbol).inserted {
            throw LearningError(
                .setting,
                "the alphabet has \"\(symbol)\" twice",
                remedy: "give each symbol once"
            )
        }
    }
}
