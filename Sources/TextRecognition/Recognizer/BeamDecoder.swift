import Foundation
import Learning

/// Reads what is most likely among the texts that a field's format allows.
///
/// Prefix beam search (Hannun et al., "First-pass large vocabulary continuous speech recognition",
/// 2014): the alignments of a text are summed up, not only the best one taken. With a format it runs
/// over the states of its automaton, each with a beam of its own, so that a text of the right form
/// is found however much the network would rather read another. Check digits are verified among the
/// texts that are left at the end.
///
/// The same scores give the same answer. Owned by one thread; keeps what it learned of the automaton.
public struct BeamDecoder {
    /// What is known of the field.
    public let format: FieldFormat
    /// What can be read.
    public let alphabet: Alphabet
    /// Texts that are kept at a time, in each state of the format.
    public let width: Int
    /// In all states together: what bounds memory and time for patterns with many states.
    private let totalWidth: Int

    private var machine: FieldMachine
    /// States of the automaton that are kept from line to line; beyond, it begins anew.
    private static let maximumStates = 4096
    private var loss = CTCLoss()

    /// A text that may stand there.
    public struct Candidate: Sendable, Equatable {
        /// The classes of its characters.
        public var labels: [Int32]
        /// The log of its probability, as far as the beam saw its alignments.
        public var logProbability: Double
    }

    /// Makes a decoder for a format.
    public init(format: FieldFormat = FieldFormat(), alphabet: Alphabet, width: Int = 8) {
        precondition(width > 0)
        self.format = format
        self.alphabet = alphabet
        self.width = width
        totalWidth = width * 32
        machine = FieldMachine(format, alphabet)
    }

    /// The most likely text that the format allows; nil when no text of that form fits the line.
    ///
    /// If no candidate's check digit is right, the most likely one is given with `isValid` false.
    /// `temperature` is what makes confidences agree with how often they are right.
    public mutating func read(_ scores: LineScores, temperature: Float = 1) -> Reading? {
        let found = candidates(scores)
        let texts = found.map { text(of: $0.labels) }
        let valid = texts.firstIndex { format.checkDigit?.accepts($0) != false }
        guard let index = valid ?? texts.indices.first else { return nil }
        let calm = scores.tempered(by: temperature)
        let labels = found[index].labels
        return Reading(
            text: texts[index],
            characterConfidences: calm.confidences(of: labels),
            confidence: exp(-(calm.loss(of: labels, &loss) ?? .infinity)),
            isValid: valid != nil
        )
    }

    /// The texts that the format's pattern and characters allow, most likely first.
    public mutating func candidates(_ scores: LineScores) -> [Candidate] {
        precondition(scores.classCount == alphabet.classCount)
        if machine.stateCount > Self.maximumStates { machine = FieldMachine(format, alphabet) }
        // First without what is very unlikely beside the best; with it if that left nothing.
        let found = search(scores, margin: 16)
        return found.isEmpty ? search(scores, margin: .infinity) : found
    }

    private func text(of labels: [Int32]) -> String {
        String(labels.map { alphabet.symbol(of: Int($0)) })
    }

    // MARK: Search

    /// Prefixes as a tree: node 0 is the empty text.
    private struct Tree {
        var parents = [-1]
        var labels = [0]
        var states = [0]
        private var children: [Int: Int] = [:]

        mutating func child(of node: Int, _ step: FieldMachine.Step) -> Int {
            let key = node << 16 | step.label
            if let known = children[key] { return known }
            let child = parents.count
            children[key] = child
            parents.append(node)
            labels.append(step.label)
            states.append(step.target)
            return child
        }

        func text(of node: Int) -> [Int32] {
            var labels: [Int32] = []
            var node = node
            while node > 0 {
                labels.append(Int32(self.labels[node]))
                node = parents[node]
            }
            return labels.reversed()
        }
    }

    /// A prefix, and how likely the steps so far end with it: in a blank, in its last character.
    private struct Hypothesis {
        var node: Int
        var blank = -Double.infinity
        var label = -Double.infinity
        var total: Double { Self.add(blank, label) }

        static func add(_ a: Double, _ b: Double) -> Double {
            let (high, low) = a > b ? (a, b) : (b, a)
            return low == -.infinity ? high : high + log1p(exp(low - high))
        }
    }

    /// What a step has reached, by node.
    private struct Reached {
        var hypotheses: [Hypothesis] = []
        private var places: [Int: Int] = [:]

        mutating func add(_ node: Int, blank: Double = -.infinity, label: Double = -.infinity) {
            if let place = places[node] {
                hypotheses[place].blank = Hypothesis.add(hypotheses[place].blank, blank)
                hypotheses[place].label = Hypothesis.add(hypotheses[place].label, label)
            } else {
                places[node] = hypotheses.count
                hypotheses.append(Hypothesis(node: node, blank: blank, label: label))
            }
        }
    }

    private mutating func search(_ scores: LineScores, margin: Double) -> [Candidate] {
        var tree = Tree()
        var beam = [Hypothesis(node: 0, blank: 0)]
        for step in 0..<scores.stepCount {
            var reached = Reached()
            let best = beam.reduce(-Double.infinity) { max($0, $1.total) }
            for hypothesis in beam {
                let node = hypothesis.node
                let total = hypothesis.total
                reached.add(node, blank: total + Double(scores[step, 0]))
                let last = tree.labels[node]
                if last > 0 {
                    reached.add(node, label: hypothesis.label + Double(scores[step, last]))
                }
                for next in machine.steps(from: tree.states[node]) {
                    let before = next.label == last ? hypothesis.blank : total
                    let log = before + Double(scores[step, next.label])
                    guard log > best - margin - 8, log > -.infinity else { continue }
                    reached.add(tree.child(of: node, next), label: log)
                }
            }
            beam = prune(reached.hypotheses, tree, stepsLeft: scores.stepCount - step - 1)
        }
        return beam.filter { machine.isFinal(tree.states[$0.node]) && $0.total > -.infinity }
            .map { Candidate(labels: tree.text(of: $0.node), logProbability: $0.total) }
    }

    /// The best of each state that can still come to an end, best first.
    private func prune(
        _ hypotheses: [Hypothesis],
        _ tree: Tree,
        stepsLeft: Int
    ) -> [Hypothesis] {
        var counts: [Int: Int] = [:]
        var kept: [Hypothesis] = []
        let ranked = hypotheses.map { (total: $0.total, hypothesis: $0) }
            .filter { machine.missingCount(tree.states[$0.hypothesis.node]) <= stepsLeft }
            .sorted {
                ($0.total, $1.hypothesis.node) > ($1.total, $0.hypothesis.node)
            }
        for (_, hypothesis) in ranked where kept.count < totalWidth {
            let state = tree.states[hypothesis.node]
            let count = counts[state, default: 0]
            guard count < width else { continue }
            counts[state] = count + 1
            kept.append(hypothesis)
        }
        return kept
    }
}
