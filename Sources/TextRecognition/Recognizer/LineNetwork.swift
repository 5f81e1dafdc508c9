public import Learning

/// The network that reads a line: which layers follow one another, and their parameters by name.
///
/// Dimensions: W columns of the line, T = W / 4 steps, K classes.
///     stage1    3×3, stride 2          [32][W][1]      → [16][W/2][24]
///     stage2    3×3, pooled 2×2        [16][W/2][24]   → [8][T][48]
///     stage3    3×3, pooled 2×1        [8][T][48]      → [4][T][80]
///     stage4    3×3, pooled 2×1        [4][T][80]      → [2][T][112]
///     stage5    2×3, valid in height   [2][T][112]     → [T][128]
///     context1… 1×5, dilated, residual [T][128]        → [T][128]
///     head      linear, log-softmax    [T][128]        → [T][K]
/// with normalization and ReLU after each convolution (docs/recognizer.md says why this one). The
/// numbers of channels are settings.
public struct LineNetwork: Sendable {
    /// A convolution with what follows it.
    struct Stage: Sendable {
        let convolution: Convolution
        /// Rows of the input.
        let inputHeight: Int
        let poolHeight: Int
        let poolWidth: Int
        /// Whether the input is added to the output.
        let isResidual: Bool
        let weights: ParameterLayout.Entry
        let gamma: ParameterLayout.Entry
        let beta: ParameterLayout.Entry
        let mean: ParameterLayout.Entry
        let variance: ParameterLayout.Entry
    }

    /// What the network was made for.
    public let settings: RecognizerSettings
    /// What is trained.
    public private(set) var parameters = ParameterLayout()
    /// What the normalizations know of their inputs.
    public private(set) var statistics = ParameterLayout()
    let stages: [Stage]
    let head: Convolution
    let headWeights: ParameterLayout.Entry
    let headBias: ParameterLayout.Entry

    /// Lays the network out.
    ///
    /// Throws when a setting is out of range. `headRate` is what the head's learning rate is multiplied by.
    public init(_ settings: RecognizerSettings, headRate: Float = 1) throws(LearningError) {
        try settings.validate()
        self.settings = settings
        var builder = Builder()
        let widths = settings.widths
        builder.add("stage1", kernel: (3, 3), stride: 2, padding: 1, widths[0])
        builder.add("stage2", kernel: (3, 3), padding: 1, widths[1], pool: (2, 2))
        builder.add("stage3", kernel: (3, 3), padding: 1, widths[2], pool: (2, 1))
        builder.add("stage4", kernel: (3, 3), padding: 1, widths[3], pool: (2, 1))
        builder.add("stage5", kernel: (2, 3), widths[4])
        for (index, dilation) in settings.dilations.enumerated() {
            builder.add(
                "context\(index + 1)",
                kernel: (1, 5),
                dilation: dilation,
                widths[4],
                isResidual: true
            )
        }
        stages = builder.stages
        let classes = settings.alphabet.classCount
        head = Convolution(
            kernelHeight: 1,
            kernelWidth: 1,
            inputChannels: widths[4],
            outputChannels: classes
        )
        headWeights = builder.parameters.add(
            "head.weights",
            shape: [widths[4], classes],
            rateFactor: headRate,
            decays: true
        )
        headBias = builder.parameters.add("head.bias", shape: [classes], rateFactor: headRate)
        parameters = builder.parameters
        statistics = builder.statistics
    }

    private struct Builder {
        var parameters = ParameterLayout()
        var statistics = ParameterLayout()
        var stages: [Stage] = []
        var channels = 1
        var height = PreparedLine.height

        mutating func add(
            _ name: String,
            kernel: (height: Int, width: Int),
            stride: Int = 1,
            dilation: Int = 1,
            padding: Int = 0,
            _ outputs: Int,
            pool: (height: Int, width: Int) = (1, 1),
            isResidual: Bool = false
        ) {
            let convolution = Convolution(
                kernelHeight: kernel.height,
                kernelWidth: kernel.width,
                stride: stride,
                dilation: dilation,
                paddingHeight: padding,
                inputChannels: channels,
                outputChannels: outputs
            )
            let shape = [kernel.height, kernel.width, channels, outputs]
            stages.append(
                Stage(
                    convolution: convolution,
                    inputHeight: height,
                    poolHeight: pool.height,
                    poolWidth: pool.width,
                    isResidual: isResidual,
                    weights: parameters.add(
                        "\(name).convolution.weights",
                        shape: shape,
                        decays: true
                    ),
                    gamma: parameters.add("\(name).normalization.scale", shape: [outputs]),
                    beta: parameters.add("\(name).normalization.shift", shape: [outputs]),
                    mean: statistics.add("\(name).normalization.mean", shape: [outputs]),
                    variance: statistics.add("\(name).normalization.variance", shape: [outputs])
                )
            )
            channels = outputs
            height = convolution.outputHeight(height) / pool.height
        }
    }

    /// Classes with the blank.
    public var classCount: Int { settings.alphabet.classCount }

    /// Parameters drawn from the settings' seed: uniform, with the variance 2 / inputs for what a
    /// ReLU follows (He et al., 2015) and 1 / (3 inputs) for the head; scales 1, shifts 0.
    public func drawParameters(into values: FloatBuffer) {
        precondition(values.count == parameters.count)
        values.fill(0)
        for (index, entry) in parameters.entries.enumerated() {
            if entry.name.hasSuffix(".scale") {
                for c in 0..<entry.columns { values.base[entry.offset + c] = 1 }
            }
            guard entry.decays else { continue }
            var random = KeyedRandom(
                seed: settings.seed,
                purpose: 0x6C69_6E65,
                partition: 0,
                offset: Int64(index)
            )
            let isHead = entry == headWeights
            let bound = ((isHead ? 1 : 6) / Double(entry.rows)).squareRoot()
            for row in 0..<entry.rows {
                for column in 0..<entry.columns {
                    values.base[entry.offset + row * entry.stride + column] =
                        Float((random.unit() * 2 - 1) * bound)
                }
            }
        }
    }

    /// Statistics of a network that has seen nothing: mean 0, variance 1.
    public func resetStatistics(in values: FloatBuffer) {
        precondition(values.count == statistics.count)
        values.fill(0)
        for stage in stages {
            for c in 0..<stage.variance.columns { values.base[stage.variance.offset + c] = 1 }
        }
    }
}
