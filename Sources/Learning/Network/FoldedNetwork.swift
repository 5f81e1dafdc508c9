/// A network that only answers: normalizations are folded into the weights, and every input goes
/// through all layers alone, in memory that stays in the processor's cache.
///
/// So the outputs for an input are the same bits whatever else is read before, after or with it.
///
/// Owned by one thread.
public final class FoldedNetwork {
    /// The layers.
    public let network: ConvolutionalNetwork
    /// As `network.parameters`, the weights times their normalization's scale.
    private let weights: FloatBuffer
    /// The bias that is left of each stage's normalization, then that of the head: [channels] each.
    private let biases: [FloatBuffer]
    private var work: [FloatBuffer] = (0..<3).map { _ in FloatBuffer() }

    /// Folds parameters and statistics, which are copied.
    public init(
        _ network: ConvolutionalNetwork,
        parameters: FloatBuffer,
        statistics: FloatBuffer
    ) {
        self.network = network
        weights = FloatBuffer(count: network.parameters.count)
        weights.copy(from: parameters)
        var biases: [FloatBuffer] = []
        for stage in network.stages {
            let bias = FloatBuffer(count: stage.gamma.stride)
            for c in 0..<stage.gamma.columns {
                let (scale, shift) = Normalization.folded(
                    gamma: parameters.base[stage.gamma.offset + c],
                    beta: parameters.base[stage.beta.offset + c],
                    mean: statistics.base[stage.mean.offset + c],
                    variance: statistics.base[stage.variance.offset + c]
                )
                bias.base[c] = shift
                for row in 0..<stage.weights.rows {
                    weights.base[stage.weights.offset + row * stage.weights.stride + c] *= scale
                }
            }
            biases.append(bias)
        }
        let bias = FloatBuffer(count: network.headBias.stride)
        bias.base.update(
            from: parameters.base + network.headBias.offset,
            count: network.headBias.stride
        )
        self.biases = biases + [bias]
    }

    /// The network whose tensors are under `prefix`.
    ///
    /// Throws when one is missing or does not fit.
    public convenience init(
        _ network: ConvolutionalNetwork,
        state: any TensorSource,
        prefix: String
    ) throws(LearningError) {
        let parameters = FloatBuffer(count: network.parameters.count)
        let statistics = FloatBuffer(count: network.statistics.count)
        try network.parameters.decode(state, prefix: prefix, into: parameters)
        try network.decodeStatistics(state, prefix: prefix, into: statistics)
        self.init(network, parameters: parameters, statistics: statistics)
    }

    /// What the head gives for an input, [outputHeight][W][K]: valid until the next call.
    public func outputs(for picture: some NetworkInput) -> Planes {
        var input = Planes(
            PlaneLayout(
                widths: [picture.width],
                height: network.stages[0].inputHeight,
                channels: 1,
                border: network.stages[0].convolution.border
            ),
            in: work[0]
        )
        input.write(picture, at: 0)
        var place = 0
        for (index, stage) in network.stages.enumerated() {
            let next = index + 1 < network.stages.count ? network.stages[index + 1] : nil
            let border = next?.convolution.border ?? 0
            input = forward(stage, index, input, border: border, place: &place)
        }
        let layout = PlaneLayout(
            widths: input.layout.widths,
            height: network.outputHeight,
            channels: network.head.outputChannels,
            border: 0
        )
        let outputs = Planes(layout, in: work[(place + 1) % 3])
        network.head.forward(
            line: 0,
            input: input,
            weights: weights.base + network.headWeights.offset,
            bias: biases.last?.base,
            output: outputs
        )
        return outputs
    }

    /// The output of one stage, in the buffer after `place`, with the borders that the next needs.
    private func forward(
        _ stage: ConvolutionalNetwork.Stage,
        _ index: Int,
        _ input: Planes,
        border: Int,
        place: inout Int
    ) -> Planes {
        let convolution = stage.convolution
        let width = input.layout.widths[0] / convolution.stride
        let height = convolution.outputHeight(input.layout.height)
        let isPooled = stage.poolHeight * stage.poolWidth > 1
        let output = Planes(
            PlaneLayout(
                widths: [width],
                height: height,
                channels: convolution.outputChannels,
                border: isPooled ? 0 : border
            ),
            in: work[(place + 1) % 3]
        )
        if !isPooled { output.clearBorders(0) }
        if stage.isResidual {
            for y in 0..<height {
                output.row(0, y).update(
                    from: input.row(0, y),
                    count: width * convolution.outputStride
                )
            }
        }
        convolution.forward(
            line: 0,
            input: input,
            weights: weights.base + stage.weights.offset,
            bias: biases[index].base,
            rectified: true,
            adding: stage.isResidual,
            output: output
        )
        place = (place + 1) % 3
        guard isPooled else { return output }
        let pooled = Planes(
            PlaneLayout(
                widths: [width / stage.poolWidth],
                height: height / stage.poolHeight,
                channels: convolution.outputChannels,
                border: border
            ),
            in: work[(place + 1) % 3]
        )
        place = (place + 1) % 3
        MaxPooling(height: stage.poolHeight, width: stage.poolWidth)
            .forward(line: 0, output, output: pooled)
        return pooled
    }
}
