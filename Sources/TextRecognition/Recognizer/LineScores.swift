import Foundation
public import Learning

/// What a network says of a line: logs of the probabilities of the classes at each step.
public struct LineScores: Sendable, Equatable {
    /// T.
    public let stepCount: Int
    /// K, the blank (class 0) with it.
    public let classCount: Int
    /// [T][K].
    public let logProbabilities: [Float]

    /// Takes over [T][K] logs of probabilities.
    public init(stepCount: Int, classCount: Int, logProbabilities: [Float]) {
        precondition(classCount > 0 && logProbabilities.count == stepCount * classCount)
        self.stepCount = stepCount
        self.classCount = classCount
        self.logProbabilities = logProbabilities
    }

    /// The log of the probability of a class at a step.
    @inline(__always)
    public subscript(step: Int, label: Int) -> Float {
        logProbabilities[step * classCount + label]
    }

    /// The scores divided by a temperature, as probabilities again: above 1 they are less sure.
    ///
    /// (Guo et al., "On calibration of modern neural networks", 2017.)
    public func tempered(by temperature: Float) -> LineScores {
        precondition(temperature > 0)
        guard temperature != 1 else { return self }
        var logs = logProbabilities.map { $0 / temperature }
        for step in 0..<stepCount {
            let row = (step * classCount)..<((step + 1) * classCount)
            let largest = logs[row].max() ?? 0
            let sum = logs[row].reduce(0) { $0 + exp(Double($1 - largest)) }
            let offset = largest + Float(log(sum))
            for index in row { logs[index] -= offset }
        }
        return LineScores(stepCount: stepCount, classCount: classCount, logProbabilities: logs)
    }

    /// Minus the log of the probability of a text over all its alignments; nil when it has none.
    public func loss(of labels: [Int32], _ loss: inout CTCLoss) -> Double? {
        loss.loss(
            logProbabilities: logProbabilities,
            stepCount: stepCount,
            classCount: classCount,
            stride: classCount,
            labels: labels,
            weight: 1,
            gradient: nil
        )
    }

    /// For each character of a text, its probability at the step of the best alignment where it is
    /// surest; zeros when there is no alignment.
    public func confidences(of labels: [Int32]) -> [Double] {
        var confidences = [Double](repeating: 0, count: labels.count)
        let states = [0] + labels.flatMap { [Int($0), 0] }
        let count = states.count
        guard stepCount > 0 else { return confidences }
        // Viterbi: the best way to each state, and how many states it came up by.
        var best = [Float](repeating: -.infinity, count: count)
        best[0] = self[0, 0]
        if count > 1 { best[1] = self[0, states[1]] }
        var moves = [UInt8](repeating: 0, count: count * stepCount)
        for step in 1..<max(1, stepCount) {
            for s in (0..<count).reversed() {
                var (value, move) = (best[s], UInt8(0))
                if s >= 1, best[s - 1] > value { (value, move) = (best[s - 1], 1) }
                if s >= 2, states[s] != 0, states[s] != states[s - 2], best[s - 2] > value {
                    (value, move) = (best[s - 2], 2)
                }
                best[s] = value + self[step, states[s]]
                moves[step * count + s] = move
            }
        }
        var state = count > 1 && best[count - 2] > best[count - 1] ? count - 2 : count - 1
        guard best[state] > -.infinity else { return confidences }
        for step in (0..<stepCount).reversed() {
            if state % 2 == 1 {
                let index = state / 2
                let probability = exp(Double(self[step, states[state]]))
                confidences[index] = max(confidences[index], probability)
            }
            state -= Int(moves[step * count + state])
        }
        return confidences
    }
}

/// The temperature at which a recognizer's confidences agree with how often it is right.
public enum Calibration {
    /// The temperature that makes `examples` (not used in training) most likely, 0.25 to 8.
    ///
    /// Examples whose text has no alignment are left out; 1 when none is left.
    public static func temperature(fitting examples: [(scores: LineScores, labels: [Int32])])
        -> Float
    {
        var loss = CTCLoss()
        func total(_ logTemperature: Double) -> Double {
            examples.reduce(0) { sum, example in
                let calm = example.scores.tempered(by: Float(exp2(logTemperature)))
                return sum + (calm.loss(of: example.labels, &loss) ?? 0)
            }
        }
        guard examples.contains(where: { $0.scores.loss(of: $0.labels, &loss) != nil }) else {
            return 1
        }
        // Golden-section search over the logarithm: the loss has one minimum there.
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (-2.0, 3.0)
        var (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
        var (atLeft, atRight) = (total(left), total(right))
        while high - low > 0.01 {
            if atLeft < atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = total(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = total(right)
            }
        }
        return Float(exp2((low + high) / 2))
    }
}
