import CKernels

/// A convolution over planes, without bias; forward beside backward.
///
/// Dimensions: input [H][W][I], output [H'][W'][O], weights [KH][KW][I][O'], where O' is O rounded
/// up to 8 with zeros behind O. The width is padded by half the kernel (times the dilation), so that
/// W' = W / stride; the height by `paddingHeight`,
/// H' = (H + 2 paddingHeight - (KH - 1) dilation - 1) / stride + 1.
///     out[y][x][o] = Σ ky,kx,i in[y stride + ky dilation - paddingHeight]
///                              [x stride + (kx - KW / 2) dilation][i] · w[ky][kx][i][o]
/// Every output adds in that order: its bits do not depend on other lines or on where it lies.
public struct Convolution: Sendable, Equatable {
    /// KH, KW.
    public let kernelHeight: Int
    /// KW, odd.
    public let kernelWidth: Int
    /// Pixels from an output's input to the next one's, both ways: 1 or 2.
    public let stride: Int
    /// Pixels from a tap to the next one, both ways.
    public let dilation: Int
    /// Rows of zeros above and below.
    public let paddingHeight: Int
    /// I: 1 or a multiple of 8.
    public let inputChannels: Int
    /// O.
    public let outputChannels: Int
    /// Floats of the vectors that are computed with; changes no result.
    var lanes = ck_vector_lanes()

    /// Describes a convolution.
    public init(
        kernelHeight: Int,
        kernelWidth: Int,
        stride: Int = 1,
        dilation: Int = 1,
        paddingHeight: Int = 0,
        inputChannels: Int,
        outputChannels: Int
    ) {
        precondition(kernelWidth % 2 == 1 && (stride == 1 || stride == 2))
        precondition(dilation > 0)
        precondition(inputChannels == PlaneLayout.stride(of: inputChannels))
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.stride = stride
        self.dilation = dilation
        self.paddingHeight = paddingHeight
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
    }

    /// O'.
    public var outputStride: Int { PlaneLayout.stride(of: outputChannels) }
    /// KH · KW · I, the rows of the weights.
    public var weightRows: Int { kernelHeight * kernelWidth * inputChannels }
    /// Columns of zeros that the input must have on each side.
    public var border: Int { dilation * (kernelWidth / 2) }
    /// H' of an input of height H.
    public func outputHeight(_ height: Int) -> Int {
        (height + 2 * paddingHeight - (kernelHeight - 1) * dilation - 1) / stride + 1
    }

    // MARK: Forward

    /// out = convolution of in, for one line; then `+ bias`, `max(0, )` and `+ out` as asked.
    ///
    /// Without `add` the output's borders are not touched.
    public func forward(
        line: Int,
        input: Planes,
        weights: UnsafePointer<Float>,
        bias: UnsafePointer<Float>? = nil,
        rectified: Bool = false,
        adding: Bool = false,
        output: Planes
    ) {
        precondition(input.layout.border >= border && input.layout.stride == inputChannels)
        precondition(output.layout.stride == outputStride)
        var then = ck_epilogue(bias: bias, relu: rectified ? 1 : 0, add: adding ? 1 : 0)
        let left = border * inputChannels
        let taps = tapOffsets(pitch: input.layout.pitch(line))
        taps.withUnsafeBufferPointer { offsets in
            for y in 0..<output.layout.height {
                let top = y * stride - paddingHeight
                // The rows of the kernel that lie on rows of the input.
                let first = max(0, dilation - 1 - top) / dilation
                let end = min(kernelHeight, (input.layout.height - 1 - top) / dilation + 1)
                guard first < end else { continue }
                var row = ck_taps(
                    offsets: offsets.baseAddress,
                    count: (end - first) * (dilation == 1 ? 1 : kernelWidth),
                    length: tapLength,
                    step: stride * inputChannels,
                    stride: outputStride
                )
                ck_convolve_row(
                    lanes,
                    &row,
                    input.row(line, top + first * dilation) - left,
                    weights + first * kernelWidth * inputChannels * outputStride,
                    &then,
                    output.row(line, y),
                    output.layout.widths[line]
                )
            }
        }
    }

    /// Floats of a tap that lie one after another: a row of the kernel, or one pixel of it if dilated.
    private var tapLength: Int { dilation == 1 ? kernelWidth * inputChannels : inputChannels }

    /// Where taps begin, from the first one.
    private func tapOffsets(pitch: Int) -> [Int] {
        guard dilation > 1 else { return (0..<kernelHeight).map { $0 * pitch } }
        return (0..<kernelHeight * kernelWidth).map { tap in
            (tap / kernelWidth * pitch + tap % kernelWidth * inputChannels) * dilation
        }
    }

    // MARK: Backward

    /// gradient[ky][kx][i][o] += Σ y,x in[…][…][i] · errors[y][x][o], for one line.
    public func addWeightGradient(
        line: Int,
        input: Planes,
        errors: Planes,
        gradient: UnsafeMutablePointer<Float>
    ) {
        precondition(input.layout.border >= border && input.layout.stride == inputChannels)
        let height = input.layout.height
        let left = border * inputChannels
        let tapCount = dilation == 1 ? 1 : kernelWidth
        for ky in 0..<kernelHeight {
            // Where the first row of errors reads, and from the next one on.
            let top = ky * dilation - paddingHeight
            let first = max(0, (stride - 1 - top) / stride)
            guard top < height else { continue }
            let end = min(errors.layout.height, (height - 1 - top) / stride + 1)
            guard first < end else { continue }
            var pixels = ck_pixels(
                height: end - first,
                width: errors.layout.widths[line],
                step: stride * inputChannels,
                in_line: stride * input.layout.pitch(line),
                stride: outputStride,
                error_line: errors.layout.pitch(line)
            )
            let start = input.row(line, first * stride + top) - left
            for tap in 0..<tapCount {
                ck_convolve_weights(
                    lanes,
                    &pixels,
                    start + tap * dilation * inputChannels,
                    errors.row(line, first),
                    gradient + (ky * tapCount + tap) * tapLength * outputStride,
                    tapLength
                )
            }
        }
    }

    /// gradient[o] += Σ y,x errors[y][x][o], for one line: that of a bias.
    public func addBiasGradient(
        line: Int,
        errors: Planes,
        gradient: UnsafeMutablePointer<Float>
    ) {
        for y in 0..<errors.layout.height {
            var pixel = errors.row(line, y)
            for _ in 0..<errors.layout.widths[line] {
                for o in 0..<outputChannels { gradient[o] += pixel[o] }
                pixel += errors.layout.stride
            }
        }
    }

    /// The convolution that takes errors of the output back to errors of the input, for stride 1.
    ///
    /// Its weights are those that `transpose` gives; it reads errors with borders.
    public var transposed: Convolution {
        precondition(stride == 1)
        var turned = Convolution(
            kernelHeight: kernelHeight,
            kernelWidth: kernelWidth,
            dilation: dilation,
            paddingHeight: (kernelHeight - 1) * dilation - paddingHeight,
            inputChannels: outputStride,
            outputChannels: inputChannels
        )
        turned.lanes = lanes
        return turned
    }

    /// Floats of the transposed weights.
    public var transposedCount: Int {
        kernelHeight * kernelWidth * outputStride * PlaneLayout.stride(of: inputChannels)
    }

    /// target[KH-1-ky][KW-1-kx][o][i] = weights[ky][kx][i][o].
    public func transpose(
        _ weights: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>
    ) {
        let (rows, columns) = (inputChannels, outputStride)
        let taps = kernelHeight * kernelWidth
        for tap in 0..<taps {
            let source = weights + tap * rows * columns
            let flipped = target + (taps - 1 - tap) * rows * columns
            for i in 0..<rows {
                for o in 0..<columns { flipped[o * rows + i] = source[i * columns + o] }
            }
        }
    }
}
