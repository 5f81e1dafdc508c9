/// A pattern that the text of a field must match from beginning to end: a small regular expression.
///
///     ABC        these characters            \d         a digit
///     [A-Z0-9<]  one of these                .          any character of the alphabet
///     x?         once or not at all          x{n}       n times; x{n,m}: n to m times
///     (x|y)      the one or the other        \x         the character x itself
///
/// Compiled to an automaton whose states are places between characters (Thompson's construction,
/// without empty steps), at most `maximumStates`.
public struct FieldPattern: Sendable, Equatable {
    /// The pattern as it was written.
    public let source: String
    /// What it says.
    let root: PatternNode
    /// What leads from each state on; state 0 is the beginning.
    let states: [State]

    /// More than any printed field needs: a decoder looks at all of them.
    public static let maximumStates = 512

    struct State: Sendable, Equatable {
        /// Whether the text may end here.
        var isFinal: Bool
        var transitions: [Transition]
    }

    struct Transition: Sendable, Equatable {
        var symbols: SymbolSet
        var target: Int
    }

    /// The characters that a place of a text may hold.
    enum SymbolSet: Sendable, Equatable {
        case any
        case of(Set<Character>)

        func contains(_ symbol: Character) -> Bool {
            switch self {
            case .any: true
            case .of(let symbols): symbols.contains(symbol)
            }
        }
    }

    /// Compiles a pattern.
    ///
    /// Throws when it is malformed, naming the place, counted from 1.
    public init(_ source: String) throws(TextRecognitionError) {
        self.source = source
        var parser = FieldPatternParser(source)
        root = try parser.parse()
        var automaton = FieldAutomaton()
        states = try automaton.build(root, source: source)
    }

    /// Whether a text matches.
    public func matches(_ text: some StringProtocol) -> Bool {
        var places: Set<Int> = [0]
        for symbol in text {
            var next: Set<Int> = []
            for place in places {
                for transition in states[place].transitions
                where transition.symbols.contains(symbol) {
                    next.insert(transition.target)
                }
            }
            places = next
        }
        return places.contains { states[$0].isFinal }
    }
}

/// What a pattern says, as a tree.
indirect enum PatternNode: Sendable, Equatable {
    case symbols(FieldPattern.SymbolSet)
    case sequence([PatternNode])
    case choice([PatternNode])
    case repeated(PatternNode, ClosedRange<Int>)
}

/// Reads a pattern.
struct FieldPatternParser {
    private let characters: [Character]
    private let source: String
    private var index = 0
    private var depth = 0

    init(_ source: String) {
        self.source = source
        characters = Array(source)
    }

    private var next: Character? { index < characters.count ? characters[index] : nil }

    private func failure(_ what: String, at place: Int? = nil) -> TextRecognitionError {
        TextRecognitionError(
            .setting,
            "pattern \"\(source)\": \(what) at character \((place ?? index) + 1)",
            remedy: "write it with characters, [A-Z], \\d, ., ?, {n}, {n,m} and (a|b)"
        )
    }

    mutating func parse() throws(TextRecognitionError) -> PatternNode {
        let node = try parseChoice()
        guard index == characters.count else { throw failure("a \")\" closes nothing") }
        return node
    }

    private mutating func parseChoice() throws(TextRecognitionError) -> PatternNode {
        var branches = [try parseSequence()]
        while next == "|" {
            index += 1
            branches.append(try parseSequence())
        }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func parseSequence() throws(TextRecognitionError) -> PatternNode {
        var parts: [PatternNode] = []
        while let character = next, character != "|", character != ")" {
            let part = try parseAtom()
            parts.append(try parseCount(of: part))
        }
        return .sequence(parts)
    }

    private mutating func parseAtom() throws(TextRecognitionError) -> PatternNode {
        let start = index
        guard let character = next else { throw failure("the pattern ends") }
        index += 1
        switch character {
        case "(":
            depth += 1
            guard depth <= 32 else { throw failure("parentheses are more than 32 deep", at: start) }
            let node = try parseChoice()
            guard next == ")" else { throw failure("a \"(\" is not closed", at: start) }
            index += 1
            depth -= 1
            return node
        case "[": return .symbols(.of(try parseClass(from: start)))
        case ".": return .symbols(.any)
        case "\\": return .symbols(.of(try parseEscape(from: start)))
        case "?", "{": throw failure("\"\(character)\" has nothing to repeat", at: start)
        case "*", "+":
            throw failure("\"\(character)\" has no upper bound, write {n,m}", at: start)
        case "]", "}", "^", "$":
            throw failure("\"\(character)\" needs a \\ before it", at: start)
        default: return .symbols(.of([character]))
        }
    }

    /// What follows a backslash.
    private mutating func parseEscape(
        from start: Int
    ) throws(TextRecognitionError) -> Set<Character> {
        guard let character = next else { throw failure("nothing follows the \"\\\"", at: start) }
        index += 1
        if character == "d" { return Set("0123456789") }
        guard !character.isLetter, !character.isNumber else {
            throw failure("\"\\\(character)\" is not known", at: start)
        }
        return [character]
    }

    /// The inside of brackets.
    private mutating func parseClass(
        from start: Int
    ) throws(TextRecognitionError) -> Set<Character> {
        var symbols: Set<Character> = []
        guard next != "^" else { throw failure("\"[^\" is not supported") }
        while let character = next, character != "]" {
            let place = index
            index += 1
            if character == "\\" {
                symbols.formUnion(try parseEscape(from: place))
                continue
            }
            guard next == "-", index + 1 < characters.count, characters[index + 1] != "]" else {
                symbols.insert(character)
                continue
            }
            let last = characters[index + 1]
            index += 2
            symbols.formUnion(try range(character, last, at: place))
        }
        guard next == "]" else { throw failure("a \"[\" is not closed", at: start) }
        guard !symbols.isEmpty else { throw failure("\"[]\" holds nothing", at: start) }
        index += 1
        return symbols
    }

    private func range(
        _ first: Character,
        _ last: Character,
        at place: Int
    ) throws(TextRecognitionError) -> Set<Character> {
        guard first.unicodeScalars.count == 1, last.unicodeScalars.count == 1,
            let low = first.unicodeScalars.first?.value,
            let high = last.unicodeScalars.first?.value, low <= high, high - low < 1024
        else { throw failure("the range \(first)-\(last) is not one", at: place) }
        return Set((low...high).compactMap { Unicode.Scalar($0).map { Character($0) } })
    }

    /// What follows a part: how often it stands there.
    private mutating func parseCount(
        of part: PatternNode
    ) throws(TextRecognitionError) -> PatternNode {
        var part = part
        while let character = next, character == "?" || character == "{" {
            let start = index
            index += 1
            guard character == "{" else {
                part = .repeated(part, 0...1)
                continue
            }
            let low = try parseNumber(from: start)
            var high = low
            if next == "," {
                index += 1
                high = try parseNumber(from: start)
            }
            guard next == "}" else { throw failure("a \"{\" is not closed", at: start) }
            guard low <= high else { throw failure("{\(low),\(high)} is not a range", at: start) }
            index += 1
            part = .repeated(part, low...high)
        }
        return part
    }

    private mutating func parseNumber(from start: Int) throws(TextRecognitionError) -> Int {
        var digits = ""
        while let character = next, ("0"..."9").contains(character) {
            digits.append(character)
            index += 1
        }
        guard let number = Int(digits), number <= FieldPattern.maximumStates else {
            throw failure("a count must be 0 to \(FieldPattern.maximumStates)", at: start)
        }
        return number
    }
}

/// Builds the automaton of a pattern: a state for every place where a character was just read.
private struct FieldAutomaton {
    /// Characters of the pattern in order; state n + 1 is the place behind the n-th.
    private var symbols: [FieldPattern.SymbolSet] = []
    private var followers: [Set<Int>] = []

    /// Places where a part can begin and end, and whether it may be left out (Glushkov, 1961).
    private struct Part {
        var first: Set<Int> = []
        var last: Set<Int> = []
        var isEmptyAllowed = true
    }

    mutating func build(
        _ root: PatternNode,
        source: String
    ) throws(TextRecognitionError) -> [FieldPattern.State] {
        let whole = try part(root, source)
        func transitions(_ targets: Set<Int>) -> [FieldPattern.Transition] {
            targets.sorted().map { FieldPattern.Transition(symbols: symbols[$0], target: $0 + 1) }
        }
        var states = [
            FieldPattern.State(
                isFinal: whole.isEmptyAllowed,
                transitions: transitions(whole.first)
            )
        ]
        for place in symbols.indices {
            states.append(
                FieldPattern.State(
                    isFinal: whole.last.contains(place),
                    transitions: transitions(followers[place])
                )
            )
        }
        return states
    }

    private mutating func part(
        _ node: PatternNode,
        _ source: String
    ) throws(TextRecognitionError) -> Part {
        switch node {
        case .symbols(let set):
            guard symbols.count + 1 < FieldPattern.maximumStates else {
                throw TextRecognitionError(
                    .setting,
                    "pattern \"\(source)\" needs more than \(FieldPattern.maximumStates) states",
                    remedy: "lower its counts"
                )
            }
            symbols.append(set)
            followers.append([])
            let place = symbols.count - 1
            return Part(first: [place], last: [place], isEmptyAllowed: false)
        case .sequence(let nodes):
            var whole = Part()
            for node in nodes { whole = join(whole, try part(node, source)) }
            return whole
        case .choice(let nodes):
            var whole = Part(isEmptyAllowed: false)
            for node in nodes {
                let branch = try part(node, source)
                whole.first.formUnion(branch.first)
                whole.last.formUnion(branch.last)
                whole.isEmptyAllowed = whole.isEmptyAllowed || branch.isEmptyAllowed
            }
            return whole
        case .repeated(let node, let counts):
            var whole = Part()
            for count in 0..<counts.upperBound {
                var next = try part(node, source)
                if count >= counts.lowerBound { next.isEmptyAllowed = true }
                whole = join(whole, next)
                // Nothing that takes room is repeated: a count of nothing is nothing.
                if next.first.isEmpty { break }
            }
            return whole
        }
    }

    private mutating func join(_ left: Part, _ right: Part) -> Part {
        for place in left.last { followers[place].formUnion(right.first) }
        return Part(
            first: left.isEmptyAllowed ? left.first.union(right.first) : left.first,
            last: right.isEmptyAllowed ? left.last.union(right.last) : right.last,
            isEmptyAllowed: left.isEmptyAllowed && right.isEmptyAllowed
        )
    }
}
