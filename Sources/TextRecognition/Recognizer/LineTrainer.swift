public import Learning

/// Learns to read lines: the network forward and backward, AdamW, and the averaged weights that
/// scorers get.
///
/// Lines of a batch have widths of their own and share nothing but the statistics of normalization
/// while those are the batch's; frozen, the gradient of a batch is the sum of its lines'. The same
/// parameters and the same steps give the same bits.
///
/// Owned by one thread.
public final class LineTrainer {
    /// A line and the classes of its text.
    public struct Example: Sendable {
        /// What is read.
        public var line: PreparedLine
        /// What stands there.
        public var labels: [Int32]

        /// Pairs a line and its text.
        public init(_ line: PreparedLine, labels: [Int32]) {
            self.line = line
            self.labels = labels
        }
    }

    /// What came of a step.
    public struct Outcome: Sendable, Equatable {
        /// The mean over lines of the loss per character, before the step.
        public var loss: Double
        /// The norm of the gradient before it was clipped; if it is not finite nothing was learned.
        public var gradientNorm: Double
        /// Lines too narrow for their text, which were left out.
        public var impossibleCount: Int
    }

    /// The layers.
    public let network: LineNetwork
    /// The parameters that are trained.
    public let parameters: FloatBuffer
    /// What the normalizations know of their inputs.
    public let statistics: FloatBuffer
    /// The optimizer, with the averaged parameters.
    public let optimizer: AdamW
    /// Whether normalization uses the batch's own statistics (making a base model) or frozen ones.
    public var normalization = Normalization.Statistics.batch

    let gradients: FloatBuffer
    let pass: NetworkPass<PreparedLine>
    private var loss = CTCLoss()

    /// A trainer that has learned nothing.
    public init(
        settings: RecognizerSettings,
        optimizer: AdamW.Settings = AdamW.Settings(),
        headRate: Float = 1
    ) throws(LearningError) {
        network = try LineNetwork(settings, headRate: headRate)
        parameters = FloatBuffer(count: network.parameters.count)
        statistics = FloatBuffer(count: network.statistics.count)
        network.drawParameters(into: parameters)
        network.resetStatistics(in: statistics)
        gradients = FloatBuffer(count: network.parameters.count)
        self.optimizer = AdamW(network.parameters, parameters: parameters, settings: optimizer)
        pass = NetworkPass(network.layers)
    }

    /// One step along the gradient of `examples` at a learning rate.
    ///
    /// Labels must be classes of the alphabet other than the blank.
    public func step(_ examples: [Example], rate: Float) -> Outcome {
        var outcome = addGradients(of: examples)
        guard outcome.loss.isFinite else {
            outcome.gradientNorm = .infinity
            return outcome
        }
        outcome.gradientNorm = optimizer.step(parameters, gradients: gradients, rate: rate)
        return outcome
    }

    /// Sets the gradients to those of `examples`.
    func addGradients(of examples: [Example]) -> Outcome {
        var outcome = Outcome(loss: 0, gradientNorm: 0, impossibleCount: 0)
        gradients.fill(0)
        guard !examples.isEmpty else { return outcome }
        pass.begin(examples.map(\.line))
        pass.forward(parameters, statistics, normalization)
        let classes = network.classCount
        for (index, example) in examples.enumerated() {
            precondition(example.labels.allSatisfy { $0 > 0 && $0 < classes })
            let rows = pass.outputs.row(index, 0)
            LogSoftmax(classCount: classes).forward(line: index, pass.outputs)
            let weight = 1 / (Double(examples.count) * Double(max(1, example.labels.count)))
            let found = loss.loss(
                logProbabilities: rows,
                stepCount: example.line.stepCount,
                classCount: classes,
                stride: pass.outputs.layout.stride,
                labels: example.labels,
                weight: Float(weight),
                gradient: rows
            )
            if let found {
                outcome.loss += found * weight
            } else {
                outcome.impossibleCount += 1
            }
        }
        pass.backward(parameters, gradients, normalization)
        return outcome
    }

    /// What answers now: the averaged parameters, or the trained ones.
    public func recognizer(averaged: Bool = true) -> LineRecognizer {
        LineRecognizer(
            network,
            parameters: averaged ? optimizer.average : parameters,
            statistics: statistics
        )
    }
}
