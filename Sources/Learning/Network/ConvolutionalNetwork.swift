/// A network of convolutions one after another, and its parameters by name.
///
/// Each convolution is followed by normalization, ReLU, pooling and, if it is residual, by the sum
/// with its input; a linear layer at the end, the head, gives the outputs of each pixel that is left.
public struct ConvolutionalNetwork: Sendable {
    /// What one convolution is to be like, and what follows it.
    public struct Shape: Sendable {
        /// What its parameters are called.
        public var name: String
        /// KH, KW.
        public var kernel: (height: Int, width: Int)
        /// Output channels; a multiple of 8.
        public var channels: Int
        /// 1, or 2 in the first stage.
        public var stride = 1
        /// Pixels between taps.
        public var dilation = 1
        /// Rows of zeros above and below.
        public var padding = 0
        /// Neighbours of which the largest is kept.
        public var pool: (height: Int, width: Int) = (1, 1)
        /// Whether the input is added to the output.
        public var isResidual = false

        /// Describes a stage.
        public init(
            _ name: String,
            kernel: (height: Int, width: Int),
            channels: Int,
            stride: Int = 1,
            dilation: Int = 1,
            padding: Int = 0,
            pool: (height: Int, width: Int) = (1, 1),
            isResidual: Bool = false
        ) {
            self.name = name
            self.kernel = kernel
            self.channels = channels
            self.stride = stride
            self.dilation = dilation
            self.padding = padding
            self.pool = pool
            self.isResidual = isResidual
        }
    }

    /// A convolution with what follows it.
    public struct Stage: Sendable {
        /// The convolution.
        public let convolution: Convolution
        /// Rows of the input.
        public let inputHeight: Int
        /// Rows that become one.
        public let poolHeight: Int
        /// Columns that become one.
        public let poolWidth: Int
        /// Whether the input is added to the output.
        public let isResidual: Bool
        let weights: ParameterLayout.Entry
        let gamma: ParameterLayout.Entry
        let beta: ParameterLayout.Entry
        let mean: ParameterLayout.Entry
        /// Where the variances of the normalization are among the statistics.
        public let variance: ParameterLayout.Entry
    }

    /// What is trained.
    public private(set) var parameters = ParameterLayout()
    /// What the normalizations know of their inputs.
    public private(set) var statistics = ParameterLayout()
    /// The convolutions in order.
    public private(set) var stages: [Stage] = []
    /// The linear layer at the end.
    public let head: Convolution
    /// Where its weights are among the parameters.
    public let headWeights: ParameterLayout.Entry
    /// Where its bias is.
    public let headBias: ParameterLayout.Entry

    /// Lays a network out for inputs of one channel and `inputHeight` rows.
    ///
    /// - Parameters:
    ///   - inputHeight: Rows of every input.
    ///   - shapes: The convolutions, at least one.
    ///   - outputs: Channels of the head.
    ///   - headRate: What the head's learning rate is multiplied by.
    public init(inputHeight: Int, _ shapes: [Shape], outputs: Int, headRate: Float = 1) {
        var parameters = ParameterLayout()
        var statistics = ParameterLayout()
        var (channels, height) = (1, inputHeight)
        for shape in shapes {
            let convolution = Convolution(
                kernelHeight: shape.kernel.height,
                kernelWidth: shape.kernel.width,
                stride: shape.stride,
                dilation: shape.dilation,
                paddingHeight: shape.padding,
                inputChannels: channels,
                outputChannels: shape.channels
            )
            let (name, outputs) = (shape.name, [shape.channels])
            let weights = parameters.add(
                "\(name).convolution.weights",
                shape: [shape.kernel.height, shape.kernel.width, channels, shape.channels],
                decays: true
            )
            let stage = Stage(
                convolution: convolution,
                inputHeight: height,
                poolHeight: shape.pool.height,
                poolWidth: shape.pool.width,
                isResidual: shape.isResidual,
                weights: weights,
                gamma: parameters.add("\(name).normalization.scale", shape: outputs),
                beta: parameters.add("\(name).normalization.shift", shape: outputs),
                mean: statistics.add("\(name).normalization.mean", shape: outputs),
                variance: statistics.add("\(name).normalization.variance", shape: outputs)
            )
            stages.append(stage)
            channels = shape.channels
            height = convolution.outputHeight(height) / shape.pool.height
        }
        head = Convolution(
            kernelHeight: 1,
            kernelWidth: 1,
            inputChannels: channels,
            outputChannels: outputs
        )
        headWeights = parameters.add(
            "head.weights",
            shape: [channels, outputs],
            rateFactor: headRate,
            decays: true
        )
        headBias = parameters.add("head.bias", shape: [outputs], rateFactor: headRate)
        self.parameters = parameters
        self.statistics = statistics
        outputHeight = height
    }

    /// Rows that the head gives.
    public let outputHeight: Int

    /// Parameters drawn from a seed: uniform, with the variance 2 / inputs for what a ReLU follows
    /// (He et al., 2015) and 1 / (3 inputs) for the head; scales 1, shifts 0.
    ///
    /// `purpose` keeps networks of one seed apart.
    public func drawParameters(seed: UInt64, purpose: UInt64, into values: FloatBuffer) {
        precondition(values.count == parameters.count)
        values.fill(0)
        for (index, entry) in parameters.entries.enumerated() {
            if entry.name.hasSuffix(".scale") {
                for c in 0..<entry.columns { values.base[entry.offset + c] = 1 }
            }
            guard entry.decays else { continue }
            var random = KeyedRandom(
                seed: seed,
                purpose: purpose,
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

    /// Takes over what the normalizations know.
    ///
    /// Throws when a tensor is missing or misshapen, or a variance is below 0.
    public func decodeStatistics(
        _ source: any TensorSource,
        prefix: String,
        into values: FloatBuffer
    ) throws(LearningError) {
        try statistics.decode(source, prefix: prefix, into: values)
        for variance in stages.map(\.variance) {
            for c in 0..<variance.columns where values.base[variance.offset + c] < 0 {
                throw LearningError(
                    .tensor,
                    "tensor \"\(prefix)\(variance.name)\" holds a number below 0",
                    remedy: "the file is damaged; use another version"
                )
            }
        }
    }
}
