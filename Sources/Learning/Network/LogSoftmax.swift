import CKernels

/// The end of a classifier: scores of K classes at every pixel become logs of probabilities.
///
///     out[k] = in[k] - log Σ j exp(in[j])
/// The loss gives the gradient of its input directly (`CTCLoss`), so it has no backward of its own.
public struct LogSoftmax: Sendable {
    /// K.
    public let classCount: Int

    /// Describes the layer.
    public init(classCount: Int) {
        precondition(classCount > 0)
        self.classCount = classCount
    }

    /// Replaces the scores of one line; what a pixel is rounded up by stays as it is.
    public func forward(line: Int, _ planes: Planes) {
        precondition(planes.layout.stride >= classCount)
        for y in 0..<planes.layout.height {
            ck_log_softmax(
                planes.row(line, y),
                planes.layout.widths[line],
                classCount,
                planes.layout.stride
            )
        }
    }
}
