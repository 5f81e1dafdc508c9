import CKernels
import Foundation

/// AdamW with clipping by the global norm, and a moving average of the parameters.
///
/// (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.) One thread owns it.
public final class AdamW {
    /// What can be set.
    public struct Settings: Codable, Sendable, Equatable {
        /// How much of the first moment is kept.
        public var beta1: Float = 0.9
        /// How much of the second moment is kept.
        public var beta2: Float = 0.999
        /// Added to the root of the second moment.
        public var epsilon: Float = 1e-8
        /// Weight decay; of weights only.
        public var decay: Float = 0
        /// The longest gradient; a longer one is scaled down to it.
        public var maximumNorm: Double = 5
        /// How much of the moving average a step keeps.
        public var averageKeep: Float = 0.97
        /// Whether the first steps keep less of it: what drawn parameters begin with is worth nothing,
        /// what trained ones begin with is.
        public var averageGrows = true

        /// The defaults.
        public init() {}
    }

    /// What can be set.
    public var settings: Settings
    /// Steps taken.
    public private(set) var stepCount: Int64 = 0
    /// The moving average of the parameters.
    public let average: FloatBuffer
    private let layout: ParameterLayout
    private let first: FloatBuffer
    private let second: FloatBuffer

    /// Begins at `parameters`, which is also the first average.
    public init(_ layout: ParameterLayout, parameters: FloatBuffer, settings: Settings) {
        self.layout = layout
        self.settings = settings
        first = FloatBuffer(count: layout.count)
        second = FloatBuffer(count: layout.count)
        average = FloatBuffer(count: layout.count)
        average.copy(from: parameters)
    }

    /// One step along the gradients at learning rate `rate`, times each parameter's own factor.
    ///
    /// Returns the norm that the gradients had before they were clipped. If it is not finite no
    /// parameter changes.
    public func step(
        _ parameters: FloatBuffer,
        gradients: FloatBuffer,
        rate: Float
    ) -> Double {
        let norm = ck_sum_of_squares(gradients.base, layout.count).squareRoot()
        guard norm.isFinite else { return norm }
        stepCount += 1
        let t = Double(stepCount)
        let correction1 = 1 - pow(Double(settings.beta1), t)
        let correction2 = 1 - pow(Double(settings.beta2), t)
        let factor = norm > settings.maximumNorm ? settings.maximumNorm / norm : 1
        let most = settings.averageGrows ? Float(1 + stepCount) / Float(10 + stepCount) : 1
        let keep = min(settings.averageKeep, most)
        for entry in layout.entries {
            let ownRate = rate * entry.rateFactor
            var step = ck_adamw_step(
                rate: ownRate,
                corrected_rate: ownRate / Float(correction1),
                correction: Float(1 / correction2.squareRoot()),
                beta1: settings.beta1,
                beta2: settings.beta2,
                epsilon: settings.epsilon,
                decay: entry.decays ? settings.decay : 0,
                gradient_factor: Float(factor),
                average_keep: keep
            )
            ck_adamw(
                &step,
                parameters.base + entry.offset,
                gradients.base + entry.offset,
                first.base + entry.offset,
                second.base + entry.offset,
                average.base + entry.offset,
                entry.count
            )
        }
        return norm
    }

    /// Adds moments, average and step count to a state: `optimizer.first.…`, `optimizer.second.…`,
    /// `average…`.
    public func encode(averagePrefix: String, into tensors: inout NamedTensors) {
        layout.encode(first, prefix: Self.firstPrefix, into: &tensors)
        layout.encode(second, prefix: Self.secondPrefix, into: &tensors)
        layout.encode(average, prefix: averagePrefix, into: &tensors)
        tensors[Self.stepsName] = Tensor([stepCount])
    }

    /// Goes on where the optimizer was whose `encode` gave `source`.
    public func restore(
        _ source: any TensorSource,
        averagePrefix: String
    ) throws(LearningError) {
        let steps = try source.values(Self.stepsName, of: Int64.self, shape: [1])
        guard steps[0] >= 0 else {
            throw LearningError(
                .tensor,
                "tensor \"\(Self.stepsName)\" holds \(steps[0])",
                remedy: "the file is damaged; use another version"
            )
        }
        // Into copies: what does not fit is refused before anything changes.
        let buffers = [first, second, average]
        var found: [FloatBuffer] = []
        for prefix in [Self.firstPrefix, Self.secondPrefix, averagePrefix] {
            let buffer = FloatBuffer(count: layout.count)
            try layout.decode(source, prefix: prefix, into: buffer)
            found.append(buffer)
        }
        guard found[1].numbers.allSatisfy({ $0 >= 0 }) else {
            throw LearningError(
                .tensor,
                "a tensor \"\(Self.secondPrefix)…\" holds a number below 0",
                remedy: "the file is damaged; use another version"
            )
        }
        for (buffer, values) in zip(buffers, found) { buffer.copy(from: values) }
        stepCount = steps[0]
    }

    private static let firstPrefix = "optimizer.first."
    private static let secondPrefix = "optimizer.second."
    private static let stepsName = "optimizer.steps"
}
