public import Learning

/// Reads lines: the servable side of the network, which learns nothing.
///
/// The scores of a line are the same bits whatever else is read before, after or with it.
///
/// Owned by one thread.
public final class LineRecognizer {
    /// The layers.
    public let network: LineNetwork
    private let folded: FoldedNetwork

    /// Copies parameters and statistics.
    public init(_ network: LineNetwork, parameters: FloatBuffer, statistics: FloatBuffer) {
        self.network = network
        folded = FoldedNetwork(network.layers, parameters: parameters, statistics: statistics)
    }

    /// The recognizer whose tensors are under `prefix`.
    ///
    /// Throws when one is missing or does not fit the settings.
    public init(
        settings: RecognizerSettings,
        state: any TensorSource,
        prefix: String = "model."
    ) throws(LearningError) {
        network = try LineNetwork(settings)
        folded = try FoldedNetwork(network.layers, state: state, prefix: prefix)
    }

    /// The scores of one line.
    public func scores(of line: PreparedLine) -> LineScores {
        let logits = folded.outputs(for: line)
        LogSoftmax(classCount: network.classCount).forward(line: 0, logits)
        let (rows, stride) = (logits.row(0, 0), logits.layout.stride)
        let (steps, classes) = (logits.layout.widths[0], network.classCount)
        let count = steps * classes
        let values = [Float](unsafeUninitializedCapacity: count) { target, initialized in
            for step in 0..<steps {
                let row = UnsafeBufferPointer(start: rows + step * stride, count: classes)
                for k in 0..<classes {
                    target.initializeElement(at: step * classes + k, to: row[k])
                }
            }
            initialized = count
        }
        return LineScores(stepCount: steps, classCount: classes, logProbabilities: values)
    }
}
