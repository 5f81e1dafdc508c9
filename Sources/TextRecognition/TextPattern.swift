internal import Learning

/// How the texts of a field are built: a small part of regular expressions.
///
/// Literals, `[A-Z0-9]`, `\d`, groups `(…)`, alternatives `|`, and after each of them `?`, `{n}` or
/// `{n,m}`. `\` takes the meaning from the character after it. At most 64 repetitions, nested at
/// most 8 deep.
public struct TextPattern: Sendable, Equatable, CustomStringConvertible {
    /// A part of a pattern.
    indirect enum Node: Sendable, Equatable {
        /// One character of several, in the order of their codes.
        case character([UInt8])
        /// One after the other.
        case sequence([Node])
        /// One of several.
        case alternatives([Node])
        /// The same again and again.
        case repeated(Node, ClosedRange<Int>)
    }

    /// The pattern as it was written.
    public let description: String
    /// What it means.
    let root: Node

    /// Reads a pattern.
    ///
    /// - Throws: Where it is no pattern, with the position counted from 1.
    public init(_ text: String) throws(TextRecognitionError) {
        description = text
        var reader = Reader(bytes: Array(text.utf8), text: text)
        root = try reader.alternatives(depth: 0)
        guard reader.position == reader.bytes.count else {
            throw reader.failure("a parenthesis is closed that was not opened")
        }
        guard longest <= Self.longestText else {
            throw reader.failure("its texts may have more than \(Self.longestText) characters")
        }
    }

    /// More than any line of a card holds.
    private static let longestText = 128

    /// A text that the pattern allows, all choices alike.
    func text(_ random: inout KeyedRandom) -> String {
        var bytes: [UInt8] = []
        Self.append(root, to: &bytes, &random)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(
        _ node: Node,
        to bytes: inout [UInt8],
        _ random: inout KeyedRandom
    ) {
        switch node {
        case .character(let characters): bytes.append(random.pick(characters))
        case .sequence(let nodes): for node in nodes { append(node, to: &bytes, &random) }
        case .alternatives(let nodes): append(random.pick(nodes), to: &bytes, &random)
        case .repeated(let node, let counts):
            for _ in 0..<random.integer(counts) { append(node, to: &bytes, &random) }
        }
    }

    /// Every character that its texts may have.
    var characters: Set<UInt8> { Self.characters(root) }

    private static func characters(_ node: Node) -> Set<UInt8> {
        switch node {
        case .character(let characters): Set(characters)
        case .sequence(let nodes), .alternatives(let nodes):
            nodes.reduce(into: []) { $0.formUnion(characters($1)) }
        case .repeated(let node, _): characters(node)
        }
    }

    /// The length of the longest text that the pattern allows.
    var longest: Int { Self.longest(root) }

    private static func longest(_ node: Node) -> Int {
        switch node {
        case .character: 1
        // A length far above the limit stays there, however deep it is repeated.
        case .sequence(let nodes): nodes.reduce(0) { min($0 + longest($1), 1 << 20) }
        case .alternatives(let nodes): nodes.reduce(0) { max($0, longest($1)) }
        case .repeated(let node, let counts): min(longest(node) * counts.upperBound, 1 << 20)
        }
    }
}

/// Reads a pattern from the left, one function for each rule of the grammar.
private struct Reader {
    let bytes: [UInt8]
    let text: String
    var position = 0
    private static let digits = Array(UInt8(ascii: "0")...UInt8(ascii: "9"))

    init(bytes: [UInt8], text: String) {
        self.bytes = bytes
        self.text = text
    }

    func failure(_ what: String) -> TextRecognitionError {
        TextRecognitionError(
            .setting,
            "the pattern \"\(text)\" is wrong at character \(position + 1): \(what)",
            remedy: #"write it as [A-Z]{2}\d{7}: literals, [A-Z0-9], \d, (a|b), ?, {n}, {n,m}"#
        )
    }

    private func isNext(_ character: Unicode.Scalar) -> Bool {
        position < bytes.count && bytes[position] == UInt8(ascii: character)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard isNext(character) else { return false }
        position += 1
        return true
    }

    mutating func alternatives(depth: Int) throws(TextRecognitionError) -> TextPattern.Node {
        guard depth <= 8 else { throw failure("it is nested more than 8 deep") }
        var nodes = [try sequence(depth)]
        while take("|") { nodes.append(try sequence(depth)) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence(_ depth: Int) throws(TextRecognitionError) -> TextPattern.Node {
        var nodes: [TextPattern.Node] = []
        while position < bytes.count, !isNext("|"), !isNext(")") {
            let node = try atom(depth)
            nodes.append(try repetition(of: node))
        }
        guard !nodes.isEmpty else { throw failure("there is nothing to match") }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func atom(_ depth: Int) throws(TextRecognitionError) -> TextPattern.Node {
        if take("(") {
            let node = try alternatives(depth: depth + 1)
            guard take(")") else { throw failure("a parenthesis is not closed") }
            return node
        }
        if take("[") { return .character(try members()) }
        if isNext("?") || isNext("{") || isNext("*") || isNext("+") || isNext("]") || isNext("}") {
            throw failure("nothing stands before it, or it is not known; write \\ before it")
        }
        return .character(try characters())
    }

    /// A character, or what `\` makes of the next one.
    private mutating func characters() throws(TextRecognitionError) -> [UInt8] {
        guard take("\\") else {
            guard (0x20...0x7E).contains(bytes[position]) else {
                throw failure("only ASCII is allowed")
            }
            position += 1
            return [bytes[position - 1]]
        }
        guard position < bytes.count else { throw failure("nothing stands after \\") }
        let isDigit = isNext("d")
        let isLetter = (0x41...0x5A).contains(bytes[position] & 0xDF)
        guard isDigit || !isLetter, (0x20...0x7E).contains(bytes[position]) else {
            throw failure("only \\d and \\ before a sign are known")
        }
        position += 1
        return isDigit ? Self.digits : [bytes[position - 1]]
    }

    private mutating func members() throws(TextRecognitionError) -> [UInt8] {
        var members: Set<UInt8> = []
        while position < bytes.count, !isNext("]") {
            let first = try characters()
            guard first.count == 1, isNext("-"), position + 1 < bytes.count,
                bytes[position + 1] != UInt8(ascii: "]")
            else {
                members.formUnion(first)
                continue
            }
            position += 1
            let last = try characters()
            guard last.count == 1, first[0] <= last[0] else {
                throw failure("a range must go from a lower to a higher character")
            }
            members.formUnion(first[0]...last[0])
        }
        guard take("]") else { throw failure("a bracket is not closed") }
        guard !members.isEmpty else { throw failure("a bracket is empty") }
        return members.sorted()
    }

    private mutating func repetition(
        of node: TextPattern.Node
    ) throws(TextRecognitionError) -> TextPattern.Node {
        if take("?") { return .repeated(node, 0...1) }
        guard take("{") else { return node }
        let lowest = try number()
        let highest = take(",") ? try number() : lowest
        guard take("}") else { throw failure("a brace is not closed") }
        guard lowest <= highest, (1...64).contains(highest) else {
            throw failure("the counts must rise, and be at most 64")
        }
        return .repeated(node, lowest...highest)
    }

    private mutating func number() throws(TextRecognitionError) -> Int {
        var number: Int?
        while position < bytes.count, let digit = Self.digits.firstIndex(of: bytes[position]) {
            number = (number ?? 0) * 10 + digit
            guard number ?? 0 <= 64 else { throw failure("the counts must be at most 64") }
            position += 1
        }
        guard let number else { throw failure("a number is missing") }
        return number
    }
}
