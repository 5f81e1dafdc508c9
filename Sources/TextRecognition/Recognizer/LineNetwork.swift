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
    /// What the network was made for.
    public let settings: RecognizerSettings
    /// The convolutions and the head.
    public let layers: ConvolutionalNetwork

    /// Lays the network out.
    ///
    /// Throws when a setting is out of range. `headRate` is what the head's learning rate is multiplied by.
    public init(_ settings: RecognizerSettings, headRate: Float = 1) throws(LearningError) {
        try settings.validate()
        self.settings = settings
        let widths = settings.widths
        var shapes: [ConvolutionalNetwork.Shape] = [
            .init("stage1", kernel: (3, 3), channels: widths[0], stride: 2, padding: 1),
            .init("stage2", kernel: (3, 3), channels: widths[1], padding: 1, pool: (2, 2)),
            .init("stage3", kernel: (3, 3), channels: widths[2], padding: 1, pool: (2, 1)),
            .init("stage4", kernel: (3, 3), channels: widths[3], padding: 1, pool: (2, 1)),
            .init("stage5", kernel: (2, 3), channels: widths[4]),
        ]
        for (index, dilation) in settings.dilations.enumerated() {
            shapes.append(
                .init(
                    "context\(index + 1)",
                    kernel: (1, 5),
                    channels: widths[4],
                    dilation: dilation,
                    isResidual: true
                )
            )
        }
        layers = ConvolutionalNetwork(
            inputHeight: PreparedLine.height,
            shapes,
            outputs: settings.alphabet.classCount,
            headRate: headRate
        )
    }

    /// What is trained.
    public var parameters: ParameterLayout { layers.parameters }
    /// What the normalizations know of their inputs.
    public var statistics: ParameterLayout { layers.statistics }
    /// Classes with the blank.
    public var classCount: Int { settings.alphabet.classCount }

    /// Parameters drawn from the settings' seed.
    public func drawParameters(into values: FloatBuffer) {
        layers.drawParameters(seed: settings.seed, purpose: 0x6C69_6E65, into: values)
    }

    /// Statistics of a network that has seen nothing: mean 0, variance 1.
    public func resetStatistics(in values: FloatBuffer) { layers.resetStatistics(in: values) }
}
