extension FieldPattern {
    /// How many characters of a text must at least be exchanged, left out or put in until it matches
    /// (Levenshtein, 1966).
    public func distance(to text: some StringProtocol) -> Int {
        // costs[place]: the least changes after which a text so far may stand there.
        var costs = [Int](repeating: Self.unreachable, count: states.count)
        costs[0] = 0
        insert(into: &costs)
        for symbol in text {
            // Left out, or taken by a transition, exchanged if need be.
            var next = costs.map { min($0 + 1, Self.unreachable) }
            for place in states.indices where costs[place] < Self.unreachable {
                for transition in states[place].transitions {
                    let change = transition.symbols.contains(symbol) ? 0 : 1
                    next[transition.target] = min(next[transition.target], costs[place] + change)
                }
            }
            insert(into: &next)
            costs = next
        }
        return states.indices.filter { states[$0].isFinal }.map { costs[$0] }.min() ?? 0
    }

    /// Goes on along transitions without a character of the text, until nothing changes.
    private func insert(into costs: inout [Int]) {
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for place in states.indices where costs[place] < Self.unreachable {
                for transition in states[place].transitions
                where costs[place] + 1 < costs[transition.target] {
                    costs[transition.target] = costs[place] + 1
                    hasChanged = true
                }
            }
        }
    }

    private static let unreachable = Int.max / 2
}
