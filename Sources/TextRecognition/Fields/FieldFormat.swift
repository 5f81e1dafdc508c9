/// What is known of a field before it is read: all that is given must hold.
public struct FieldFormat: Sendable, Equatable {
    /// What the text must match from beginning to end.
    public var pattern: FieldPattern?
    /// The only characters that may occur.
    public var characters: Set<Character>?
    /// How the last characters follow from the others.
    public var checkDigit: CheckDigit?

    /// Describes a field; without anything given, every text is possible.
    public init(
        pattern: FieldPattern? = nil,
        characters: Set<Character>? = nil,
        checkDigit: CheckDigit? = nil
    ) {
        self.pattern = pattern
        self.characters = characters
        self.checkDigit = checkDigit
    }

    /// Whether a text is what was declared.
    public func accepts(_ text: String) -> Bool {
        pattern?.matches(text) != false
            && characters.map { text.allSatisfy($0.contains) } != false
            && checkDigit?.accepts(text) != false
    }
}

/// The automaton of a format over the classes of an alphabet, made deterministic as it is needed.
///
/// A state is the set of places of the pattern where a text so far may stand.
struct FieldMachine {
    /// A class that may come next, and the state behind it.
    struct Step {
        var label: Int
        var target: Int
    }

    private let alphabet: Alphabet
    private let format: FieldFormat
    /// How many characters are at least missing behind each place of the pattern.
    private let missing: [Int]
    private var places: [[Int]] = []
    private var states: [[Int]: Int] = [:]
    private var steps: [[Step]?] = []

    init(_ format: FieldFormat, _ alphabet: Alphabet) {
        self.format = format
        self.alphabet = alphabet
        missing = format.pattern.map(Self.distances) ?? [0]
        _ = state(of: [0])
    }

    /// States known so far.
    var stateCount: Int { places.count }

    /// How many characters are at least missing in a state until a text may end.
    func missingCount(_ state: Int) -> Int {
        places[state].reduce(Self.unreachable) { min($0, missing[$1]) }
    }

    /// Whether a text may end in a state.
    func isFinal(_ state: Int) -> Bool { missingCount(state) == 0 }

    /// What may come next in a state, in the order of classes.
    mutating func steps(from state: Int) -> [Step] {
        if let known = steps[state] { return known }
        var found: [Step] = []
        for label in 1..<alphabet.classCount {
            let symbol = alphabet.symbol(of: label)
            guard format.characters?.contains(symbol) != false else { continue }
            guard let pattern = format.pattern else {
                found.append(Step(label: label, target: 0))
                continue
            }
            var targets: Set<Int> = []
            for place in places[state] {
                for transition in pattern.states[place].transitions
                where transition.symbols.contains(symbol) {
                    targets.insert(transition.target)
                }
            }
            guard !targets.isEmpty else { continue }
            found.append(Step(label: label, target: self.state(of: targets.sorted())))
        }
        steps[state] = found
        return found
    }

    private mutating func state(of places: [Int]) -> Int {
        if let known = states[places] { return known }
        let state = self.places.count
        self.places.append(places)
        steps.append(nil)
        states[places] = state
        return state
    }

    private static let unreachable = Int.max / 2

    /// The shortest way from each place to an end: relaxed until nothing changes.
    private static func distances(_ pattern: FieldPattern) -> [Int] {
        var distances = pattern.states.map { $0.isFinal ? 0 : unreachable }
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for place in pattern.states.indices.reversed() {
                for transition in pattern.states[place].transitions
                where distances[transition.target] + 1 < distances[place] {
                    distances[place] = distances[transition.target] + 1
                    hasChanged = true
                }
            }
        }
        return distances
    }
}
