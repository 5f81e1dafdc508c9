/// A batch on its way through the network and back: the activations in between.
///
/// Owned by its trainer.
public final class NetworkPass<Input: NetworkInput> {
    private let network: ConvolutionalNetwork
    private let normalizations: [Normalization]
    // Of each stage: its input (the last one is the head's) and what its convolution gives.
    private var inputBuffers: [FloatBuffer]
    private var sumBuffers: [FloatBuffer]
    private var inputs: [Planes] = []
    private var sums: [Planes] = []
    private let outputBuffer = FloatBuffer()
    /// What the head gives, [outputHeight][W][K], then the gradients of that in its place.
    public private(set) var outputs: Planes
    /// Errors of what a convolution gives, and of inputs of stages in turn.
    private let sumErrorBuffer = FloatBuffer()
    private let errorBuffers = [FloatBuffer(), FloatBuffer()]
    private let transposed = FloatBuffer()
    private var lines: [Input] = []

    /// Makes working memory that grows when needed.
    public init(_ network: ConvolutionalNetwork) {
        self.network = network
        normalizations = network.stages.map {
            Normalization(
                channels: $0.convolution.outputChannels,
                poolHeight: $0.poolHeight,
                poolWidth: $0.poolWidth
            )
        }
        inputBuffers = (0...network.stages.count).map { _ in FloatBuffer() }
        sumBuffers = network.stages.map { _ in FloatBuffer() }
        outputs = Planes(
            PlaneLayout(widths: [], height: 1, channels: 8, border: 0),
            in: outputBuffer
        )
    }

    /// Lays the planes out for a batch.
    public func begin(_ lines: [Input]) {
        self.lines = lines
        var widths = lines.map(\.width)
        (inputs, sums) = ([], [])
        for (index, stage) in network.stages.enumerated() {
            let convolution = stage.convolution
            inputs.append(
                Planes(
                    PlaneLayout(
                        widths: widths,
                        height: stage.inputHeight,
                        channels: convolution.inputChannels,
                        border: convolution.border
                    ),
                    in: inputBuffers[index]
                )
            )
            widths = widths.map { $0 / convolution.stride }
            sums.append(
                Planes(
                    PlaneLayout(
                        widths: widths,
                        height: convolution.outputHeight(stage.inputHeight),
                        channels: convolution.outputChannels,
                        border: 0
                    ),
                    in: sumBuffers[index]
                )
            )
            widths = widths.map { $0 / stage.poolWidth }
        }
        let headInput = PlaneLayout(
            widths: widths,
            height: network.outputHeight,
            channels: network.head.inputChannels,
            border: 0
        )
        inputs.append(Planes(headInput, in: inputBuffers[network.stages.count]))
        let scores = PlaneLayout(
            widths: widths,
            height: network.outputHeight,
            channels: network.head.outputChannels,
            border: 0
        )
        outputs = Planes(scores, in: outputBuffer)
    }

    // MARK: Forward

    /// Fills `outputs`; moves the running statistics if the batch's are used.
    public func forward(
        _ parameters: FloatBuffer,
        _ statistics: FloatBuffer,
        _ mode: Normalization.Statistics
    ) {
        for (index, stage) in network.stages.enumerated() {
            let normalization = normalizations[index]
            normalization.beginStatistics()
            for line in lines.indices {
                fillInput(of: index, line: line)
                stage.convolution.forward(
                    line: line,
                    input: inputs[index],
                    weights: parameters.base + stage.weights.offset,
                    output: sums[index]
                )
                if mode == .batch { normalization.addStatistics(line: line, sums[index]) }
            }
            let gamma = parameters.base + stage.gamma.offset
            let beta = parameters.base + stage.beta.offset
            let mean = statistics.base + stage.mean.offset
            let variance = statistics.base + stage.variance.offset
            switch mode {
            case .batch:
                normalization.useBatch(
                    pixelCount: sums[index].layout.pixelCount,
                    gamma: gamma,
                    beta: beta,
                    runningMean: mean,
                    runningVariance: variance
                )
            case .frozen:
                normalization.useFrozen(
                    gamma: gamma,
                    beta: beta,
                    runningMean: mean,
                    runningVariance: variance
                )
            }
        }
        for line in lines.indices {
            fillInput(of: network.stages.count, line: line)
            network.head.forward(
                line: line,
                input: inputs[network.stages.count],
                weights: parameters.base + network.headWeights.offset,
                bias: parameters.base + network.headBias.offset,
                output: outputs
            )
        }
    }

    /// The input of a stage: the line itself, or what the stage before made of it.
    private func fillInput(of index: Int, line: Int) {
        guard index > 0 else { return inputs[0].write(lines[line], at: line) }
        normalizations[index - 1].forward(
            line: line,
            sums[index - 1],
            residual: network.stages[index - 1].isResidual ? inputs[index - 1] : nil,
            output: inputs[index]
        )
    }

    // MARK: Backward

    /// Adds the gradients of all parameters, `outputs` holding those of the outputs.
    public func backward(
        _ parameters: FloatBuffer,
        _ gradients: FloatBuffer,
        _ mode: Normalization.Statistics
    ) {
        var errors = backwardHead(parameters, gradients)
        var other = 1
        for index in network.stages.indices.reversed() {
            let stage = network.stages[index]
            let sumErrors = backwardNormalization(index, errors, gradients, mode)
            if index > 0 {
                stage.convolution.transpose(
                    parameters.base + stage.weights.offset,
                    into: transposed.reserving(stage.convolution.transposedCount)
                )
            }
            // What goes past a residual convolution is added to what comes back through it.
            let inputErrors =
                stage.isResidual
                ? errors : Planes(inputs[index].layout.unbordered, in: errorBuffers[other])
            for line in lines.indices {
                if mode == .batch {
                    normalizations[index]
                        .completeBackward(line: line, sums[index], zErrors: sumErrors)
                }
                stage.convolution.addWeightGradient(
                    line: line,
                    input: inputs[index],
                    errors: sumErrors,
                    gradient: gradients.base + stage.weights.offset
                )
                guard index > 0 else { continue }
                stage.convolution.transposed.forward(
                    line: line,
                    input: sumErrors,
                    weights: transposed.base,
                    adding: stage.isResidual,
                    output: inputErrors
                )
            }
            if !stage.isResidual { other = 1 - other }
            errors = inputErrors
        }
    }

    private func backwardHead(_ parameters: FloatBuffer, _ gradients: FloatBuffer) -> Planes {
        let head = network.head
        head.transpose(
            parameters.base + network.headWeights.offset,
            into: transposed.reserving(head.transposedCount)
        )
        let input = inputs[network.stages.count]
        let errors = Planes(input.layout.unbordered, in: errorBuffers[0])
        for line in lines.indices {
            head.addWeightGradient(
                line: line,
                input: input,
                errors: outputs,
                gradient: gradients.base + network.headWeights.offset
            )
            head.addBiasGradient(
                line: line,
                errors: outputs,
                gradient: gradients.base + network.headBias.offset
            )
            head.transposed.forward(
                line: line,
                input: outputs,
                weights: transposed.base,
                output: errors
            )
        }
        return errors
    }

    /// Errors of what the convolution of a stage gives; complete if frozen.
    private func backwardNormalization(
        _ index: Int,
        _ errors: Planes,
        _ gradients: FloatBuffer,
        _ mode: Normalization.Statistics
    ) -> Planes {
        let stage = network.stages[index]
        let normalization = normalizations[index]
        let layout = sums[index].layout
        let sumErrors = Planes(
            PlaneLayout(
                widths: layout.widths,
                height: layout.height,
                channels: layout.stride,
                border: stage.convolution.border
            ),
            in: sumErrorBuffer
        )
        normalization.beginBackward()
        for line in lines.indices {
            normalization.backward(
                line: line,
                sums[index],
                errors: errors,
                zErrors: sumErrors,
                mode
            )
        }
        normalization.addGradients(
            pixelCount: layout.pixelCount,
            gamma: gradients.base + stage.gamma.offset,
            beta: gradients.base + stage.beta.offset
        )
        return sumErrors
    }
}
