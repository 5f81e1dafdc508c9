internal import Learning

/// The texts that a pattern allows, for generators.
extension FieldPattern {
    /// One of them, all choices alike; any character is one of the base alphabet.
    func text(_ random: inout KeyedRandom) -> String {
        var text = ""
        Self.append(root, to: &text, &random)
        return text
    }

    private static func append(
        _ node: PatternNode,
        to text: inout String,
        _ random: inout KeyedRandom
    ) {
        switch node {
        case .symbols(let set): text.append(random.pick(characters(set).sorted()))
        case .sequence(let nodes): for node in nodes { append(node, to: &text, &random) }
        case .choice(let nodes): append(random.pick(nodes), to: &text, &random)
        case .repeated(let node, let counts):
            for _ in 0..<random.integer(counts) { append(node, to: &text, &random) }
        }
    }

    /// Every character that its texts may have.
    var characters: Set<Character> { Self.characters(root) }

    private static func characters(_ node: PatternNode) -> Set<Character> {
        switch node {
        case .symbols(let set): characters(set)
        case .sequence(let nodes), .choice(let nodes):
            nodes.reduce(into: []) { $0.formUnion(characters($1)) }
        case .repeated(let node, _): characters(node)
        }
    }

    private static func characters(_ set: SymbolSet) -> Set<Character> {
        switch set {
        case .any: Set(Alphabet.base.symbols)
        case .of(let characters): characters
        }
    }

    /// The length of the longest text that it allows.
    var longest: Int { Self.longest(root) }

    private static func longest(_ node: PatternNode) -> Int {
        switch node {
        case .symbols: 1
        case .sequence(let nodes): nodes.reduce(0) { $0 + longest($1) }
        case .choice(let nodes): nodes.reduce(0) { max($0, longest($1)) }
        case .repeated(let node, let counts): longest(node) * counts.upperBound
        }
    }
}
