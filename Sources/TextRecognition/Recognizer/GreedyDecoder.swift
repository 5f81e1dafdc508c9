import Foundation

/// What was read: a text, and how sure of it the network is.
public struct Reading: Sendable, Equatable {
    /// The text.
    public var text: String
    /// How likely each character is right, 0 to 1, as far as the network knows; one per character.
    public var characterConfidences: [Double]
    /// How likely the whole text is right, 0 to 1.
    ///
    /// Its share among all texts, also those that a format would not allow: a format never makes a reading surer than the network is.
    public var confidence: Double
    /// Whether the text is what the field's format declares.
    public var isValid: Bool

    /// Describes a reading.
    public init(
        text: String,
        characterConfidences: [Double],
        confidence: Double,
        isValid: Bool = true
    ) {
        self.text = text
        self.characterConfidences = characterConfidences
        self.confidence = confidence
        self.isValid = isValid
    }
}

/// The most likely class of each step; repetitions and blanks are left out.
///
/// The fastest decoder. A character's confidence is its probability at its surest step; the text's,
/// their product with those of the blanks: a lower bound of what the beam decoder finds.
public enum GreedyDecoder {
    /// Reads scores.
    ///
    /// Of classes that are equally likely at a step the first one is taken.
    public static func read(_ scores: LineScores, alphabet: Alphabet) -> Reading {
        precondition(scores.classCount == alphabet.classCount)
        var (text, confidences) = ("", [Double]())
        var total: Double = 0
        var before = 0
        for step in 0..<scores.stepCount {
            var best = 0
            for label in 1..<scores.classCount where scores[step, label] > scores[step, best] {
                best = label
            }
            let log = Double(scores[step, best])
            if best == 0 {
                total += log
            } else if best != before {
                text.append(alphabet.symbol(of: best))
                confidences.append(exp(log))
            } else {
                let last = confidences.count - 1
                confidences[last] = max(confidences[last], exp(log))
            }
            before = best
        }
        let product = confidences.reduce(exp(total), *)
        return Reading(text: text, characterConfidences: confidences, confidence: product)
    }
}
