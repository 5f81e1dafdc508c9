import CKernels
import Foundation

/// Batch normalization, ReLU and max pooling: what stands between two convolutions, in one pass.
///
/// Dimensions: z [H][W][C] of a convolution, out [H/poolHeight][W/poolWidth][C].
///     xhat = (z - mean) / sqrt(variance + epsilon)
///     out  = max over the window of max(0, gamma · xhat + beta), plus the residual if there is one
/// (Ioffe and Szegedy, 2015.) Mean and variance are those of the batch while a base model is made,
/// where batches are large and mixed; afterwards the running ones of that time, frozen. Then a
/// line's answer and its gradient are a function of that line alone: a batch of one is as good as
/// any other, what a stream happens to bring together does not matter, and a scorer folds the
/// normalization into the weights at no cost. Group normalization would need no statistics, but one
/// more pass over the activations of every line read.
///
/// Owned by one thread.
public final class Normalization {
    /// Where mean and variance come from.
    public enum Statistics: Sendable {
        /// From the batch itself, whose lines are then no longer independent of one another.
        case batch
        /// Those learned before.
        case frozen
    }

    /// C rounded up to 8.
    public let stride: Int
    /// Rows that become one: 1 or 2.
    public let poolHeight: Int
    /// Columns that become one: 1 or 2.
    public let poolWidth: Int

    /// PyTorch's defaults.
    public static let epsilon = 1e-5
    /// How much of a batch goes into the running statistics.
    public static let momentum = 0.1

    // [stride] each: value = scale · z + shift; d z = factor · d value + slope · z + offset.
    private let scale: FloatBuffer
    private let shift: FloatBuffer
    private let slope: FloatBuffer
    private let offset: FloatBuffer
    private var mean: [Double]
    private var inverseDeviation: [Double]
    private var sums: [Double]
    private var products: [Double]

    /// Makes the layer for so many channels.
    public init(channels: Int, poolHeight: Int = 1, poolWidth: Int = 1) {
        stride = PlaneLayout.stride(of: channels)
        self.poolHeight = poolHeight
        self.poolWidth = poolWidth
        scale = FloatBuffer(count: stride)
        shift = FloatBuffer(count: stride)
        slope = FloatBuffer(count: stride)
        offset = FloatBuffer(count: stride)
        mean = [Double](repeating: 0, count: stride)
        inverseDeviation = mean
        sums = mean
        products = mean
    }

    // MARK: Forward

    /// Begins to sum up a batch.
    public func beginStatistics() { clearSums() }

    /// Adds a line's z to the statistics of the batch.
    public func addStatistics(line: Int, _ z: Planes) {
        for y in 0..<z.layout.height {
            ck_channel_sums(z.row(line, y), z.layout.widths[line], stride, &sums, &products)
        }
    }

    /// Normalizes with the batch's statistics, which were summed over `pixelCount` pixels, and moves
    /// the running ones towards them.
    public func useBatch(
        pixelCount: Int,
        gamma: UnsafePointer<Float>,
        beta: UnsafePointer<Float>,
        runningMean: UnsafeMutablePointer<Float>,
        runningVariance: UnsafeMutablePointer<Float>
    ) {
        let n = Double(pixelCount)
        for c in 0..<stride {
            let batchMean = sums[c] / n
            let variance = max(0, products[c] / n - batchMean * batchMean)
            set(c, mean: batchMean, variance: variance, gamma[c], beta[c])
            let unbiased = n > 1 ? variance * n / (n - 1) : variance
            runningMean[c] += Float(Self.momentum * (batchMean - Double(runningMean[c])))
            runningVariance[c] += Float(Self.momentum * (unbiased - Double(runningVariance[c])))
        }
    }

    /// Normalizes with the running statistics.
    public func useFrozen(
        gamma: UnsafePointer<Float>,
        beta: UnsafePointer<Float>,
        runningMean: UnsafePointer<Float>,
        runningVariance: UnsafePointer<Float>
    ) {
        for c in 0..<stride {
            set(
                c,
                mean: Double(runningMean[c]),
                variance: Double(runningVariance[c]),
                gamma[c],
                beta[c]
            )
        }
    }

    private func set(
        _ c: Int,
        mean: Double,
        variance: Double,
        _ gamma: Float,
        _ beta: Float
    ) {
        self.mean[c] = mean
        inverseDeviation[c] = 1 / (variance + Self.epsilon).squareRoot()
        (scale.base[c], shift.base[c]) = Self.folded(gamma, beta, mean, variance)
    }

    private static func folded(
        _ gamma: Float,
        _ beta: Float,
        _ mean: Double,
        _ variance: Double
    ) -> (scale: Float, shift: Float) {
        let factor = Double(gamma) / (variance + epsilon).squareRoot()
        return (Float(factor), Float(Double(beta) - factor * mean))
    }

    /// What one channel's frozen normalization comes to: value = scale · z + shift.
    public static func folded(
        gamma: Float,
        beta: Float,
        mean: Float,
        variance: Float
    ) -> (scale: Float, shift: Float) {
        folded(gamma, beta, Double(mean), Double(variance))
    }

    /// out from z for one line, with its borders; `residual` has the shape of `output`.
    public func forward(line: Int, _ z: Planes, residual: Planes? = nil, output: Planes) {
        var activation = description
        output.clearBorders(line)
        for y in 0..<output.layout.height {
            ck_activate(
                &activation,
                z.row(line, y * poolHeight),
                z.row(line, y * poolHeight + poolHeight - 1),
                residual?.row(line, y),
                output.row(line, y),
                output.layout.widths[line]
            )
        }
    }

    private var description: ck_activation {
        ck_activation(
            scale: scale.base,
            shift: shift.base,
            rows: poolHeight,
            columns: poolWidth,
            stride: stride
        )
    }

    // MARK: Backward

    /// Begins the way back through a batch.
    public func beginBackward() { clearSums() }

    /// Errors of z from errors of out, for one line, with borders; complete if frozen.
    ///
    /// `errors` is not the residual's: that one's are `errors` themselves.
    public func backward(
        line: Int,
        _ z: Planes,
        errors: Planes,
        zErrors: Planes,
        _ statistics: Statistics
    ) {
        var activation = description
        zErrors.clearBorders(line)
        for y in 0..<errors.layout.height {
            ck_activate_backward(
                &activation,
                z.row(line, y * poolHeight),
                z.row(line, y * poolHeight + poolHeight - 1),
                errors.row(line, y),
                statistics == .frozen ? scale.base : nil,
                zErrors.row(line, y * poolHeight),
                zErrors.row(line, y * poolHeight + poolHeight - 1),
                errors.layout.widths[line],
                &sums,
                &products
            )
        }
    }

    /// Adds d gamma = Σ d · xhat and d beta = Σ d, where d are the errors before normalization.
    public func addGradients(
        pixelCount: Int,
        gamma: UnsafeMutablePointer<Float>,
        beta: UnsafeMutablePointer<Float>
    ) {
        let n = Double(pixelCount)
        for c in 0..<stride {
            let toGamma = inverseDeviation[c] * (products[c] - mean[c] * sums[c])
            gamma[c] += Float(toGamma)
            beta[c] += Float(sums[c])
            let slope = -Double(scale.base[c]) * inverseDeviation[c] * toGamma / n
            self.slope.base[c] = Float(slope)
            offset.base[c] = Float(-Double(scale.base[c]) * sums[c] / n - slope * mean[c])
        }
    }

    /// Completes a line's errors of z by what mean and variance of the batch owe to z; after
    /// `addGradients`, with the statistics of the batch only.
    public func completeBackward(line: Int, _ z: Planes, zErrors: Planes) {
        for y in 0..<z.layout.height {
            ck_combine(
                zErrors.row(line, y),
                z.row(line, y),
                scale.base,
                slope.base,
                offset.base,
                z.layout.widths[line],
                stride
            )
        }
    }

    private func clearSums() {
        for c in 0..<stride { (sums[c], products[c]) = (0, 0) }
    }
}
