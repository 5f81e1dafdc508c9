import CKernels
import Foundation

/// Connectionist temporal classification: the loss of a text under the classes of every time step.
///
/// Dimensions: T steps, K classes of which 0 is the blank, L labels, S = 2 L + 1 states (blank,
/// label 1, blank, label 2, …, blank).
///     loss = -log Σ over alignments π of Π t p[t][π t]
/// by the forward and backward variables of Graves et al., "Connectionist temporal classification"
/// (2006), in the logarithm and double precision. The gradient is that of the logits before the
/// log-softmax:
///     d loss / d logit[t][k] = p[t][k] - Σ states s of label k  P(state s at t | text)
/// A text that no alignment of T steps gives has neither loss nor gradient.
///
/// Owned by one thread; keeps its working memory from call to call.
public struct CTCLoss {
    private var states: [Int] = []
    /// log α[T][S], and log β of one step.
    private var forward: [Double] = []
    private var backward: [Double] = []
    private var next: [Double] = []
    private var posterior: [Double] = []

    /// Makes working memory that grows when needed.
    public init() {}

    /// The loss of `labels` (1..<classCount each) given logs of probabilities [T][stride]; nil when no
    /// alignment gives them.
    ///
    /// Writes the gradient, times `weight`, to `gradient` [T][stride] for all classes; zeros when
    /// there is no alignment. It may be the memory of the probabilities; nil when it is not wanted.
    public mutating func loss(
        logProbabilities: UnsafePointer<Float>,
        stepCount: Int,
        classCount: Int,
        stride: Int,
        labels: some RandomAccessCollection<Int32>,
        weight: Float,
        gradient: UnsafeMutablePointer<Float>?
    ) -> Double? {
        states.removeAll(keepingCapacity: true)
        states.append(0)
        for label in labels {
            states.append(Int(label))
            states.append(0)
        }
        let shape = Shape(steps: stepCount, classes: classCount, stride: stride)
        let total = runForward(logProbabilities, shape)
        guard let total, total.isFinite else {
            for t in 0..<stepCount {
                guard let gradient else { break }
                (gradient + t * stride).update(repeating: 0, count: classCount)
            }
            return nil
        }
        if let gradient {
            runBackward(logProbabilities, shape, total: total, weight: Double(weight), gradient)
        }
        return -total
    }

    private struct Shape {
        let steps: Int
        let classes: Int
        let stride: Int
    }

    /// Whether a state may be entered from two before: a label other than the one before it.
    private func skips(_ state: Int) -> Bool {
        state >= 2 && states[state] != 0 && states[state] != states[state - 2]
    }

    /// Fills α; the logarithm of the probability of the text, nil without steps.
    private mutating func runForward(
        _ logs: UnsafePointer<Float>,
        _ shape: Shape
    ) -> Double? {
        guard shape.steps > 0 else { return nil }
        let count = states.count
        forward.removeAll(keepingCapacity: true)
        forward.append(contentsOf: repeatElement(-.infinity, count: count * shape.steps))
        forward[0] = Double(logs[0])
        if count > 1 { forward[1] = Double(logs[states[1]]) }
        for t in 1..<max(1, shape.steps) {
            let row = logs + t * shape.stride
            // States that cannot have been reached, or from which the end cannot be.
            let first = max(0, count - 2 * (shape.steps - t))
            let last = min(count - 1, 2 * t + 1)
            guard first <= last else { return nil }
            let before = (t - 1) * count
            for s in first...last {
                let stay = forward[before + s]
                let step = s >= 1 ? forward[before + s - 1] : -.infinity
                let skip = skips(s) ? forward[before + s - 2] : -.infinity
                forward[t * count + s] = Self.logSum(stay, step, skip) + Double(row[states[s]])
            }
        }
        let end = shape.steps * count - 1
        return count > 1
            ? Self.logSum(forward[end], forward[end - 1], -.infinity) : forward[end]
    }

    /// Runs β backwards and writes the gradient step by step.
    private mutating func runBackward(
        _ logs: UnsafePointer<Float>,
        _ shape: Shape,
        total: Double,
        weight: Double,
        _ gradient: UnsafeMutablePointer<Float>
    ) {
        let count = states.count
        backward = [Double](repeating: -.infinity, count: count)
        next = backward
        posterior = [Double](repeating: 0, count: shape.classes)
        for t in (0..<shape.steps).reversed() {
            let row = logs + t * shape.stride
            let first = max(0, count - 2 * (shape.steps - t))
            let last = min(count - 1, 2 * t + 1)
            for k in 0..<shape.classes { posterior[k] = 0 }
            for s in stride(from: 0, to: count, by: 1) {
                guard s >= first, s <= last else {
                    backward[s] = -.infinity
                    continue
                }
                // What follows state s, its own step not included.
                let rest: Double
                if t == shape.steps - 1 {
                    rest = s >= count - 2 ? 0 : -.infinity
                } else {
                    let step = s + 1 < count ? next[s + 1] : -.infinity
                    let skip = s + 2 < count && skips(s + 2) ? next[s + 2] : -.infinity
                    rest = Self.logSum(next[s], step, skip)
                }
                backward[s] = rest + Double(row[states[s]])
                let state = forward[t * count + s] + rest - total
                if state > -100 { posterior[states[s]] += exp(state) }
            }
            swap(&backward, &next)
            let target = gradient + t * shape.stride
            for k in 0..<shape.classes {
                target[k] = Float(weight * (exp(Double(row[k])) - posterior[k]))
            }
        }
    }

    /// log(e^a + e^b + e^c); minus infinity stands for nothing.
    @inline(__always)
    private static func logSum(_ a: Double, _ b: Double, _ c: Double) -> Double {
        var (largest, second, third) = (a, b, c)
        if second > largest { swap(&largest, &second) }
        if third > largest { swap(&largest, &third) }
        // e^-40 of the largest is less than the last bit of the sum.
        var rest = 0.0
        if second > largest - 40 { rest = exp(second - largest) }
        if third > largest - 40 { rest += exp(third - largest) }
        return rest == 0 ? largest : largest + log1p(rest)
    }
}
