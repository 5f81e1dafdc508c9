import CKernels

/// Max pooling alone, for a network whose normalizations are folded into its weights.
///
/// in [H][W][C] to out [H / height][W / width][C]; inputs are at least 0, as after a ReLU.
public struct MaxPooling: Sendable {
    /// Rows that become one: 1 or 2.
    public let height: Int
    /// Columns that become one: 1 or 2.
    public let width: Int

    /// Describes a pooling.
    public init(height: Int, width: Int) {
        precondition((1...2).contains(height) && (1...2).contains(width))
        self.height = height
        self.width = width
    }

    /// Pools one line and writes the output's borders.
    public func forward(line: Int, _ input: Planes, output: Planes) {
        var pooling = ck_activation(
            scale: nil,
            shift: nil,
            rows: height,
            columns: width,
            stride: input.layout.stride
        )
        output.clearBorders(line)
        for y in 0..<output.layout.height {
            ck_activate(
                &pooling,
                input.row(line, y * height),
                input.row(line, y * height + height - 1),
                nil,
                output.row(line, y),
                output.layout.widths[line]
            )
        }
    }
}
