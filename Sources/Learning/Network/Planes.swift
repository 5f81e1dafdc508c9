/// Where the activations of a batch of lines lie: B lines of their own widths W, height H, C channels.
///
/// Line n is [H][border + W_n + border][stride]: the channels of a pixel are one piece, `stride` is
/// C rounded up to 8 (1 for a single channel) with zeros behind C, and the borders left and right
/// are zeros that a convolution reads as its padding. Lines share nothing: no line is padded to the
/// width of another, and none has to be masked.
public struct PlaneLayout: Sendable, Equatable {
    /// Floats of a pixel.
    public let stride: Int
    /// H, the rows of a line.
    public let height: Int
    /// Columns of zeros on each side.
    public let border: Int
    /// W of each line.
    public let widths: [Int]
    /// Where each line begins.
    public let offsets: [Int]
    /// Floats of all lines.
    public let count: Int

    /// Lays out lines one after another.
    public init(widths: [Int], height: Int, channels: Int, border: Int) {
        stride = Self.stride(of: channels)
        self.height = height
        self.border = border
        self.widths = widths
        var offsets: [Int] = []
        var count = 0
        for width in widths {
            offsets.append(count)
            count += height * (width + 2 * border) * stride
        }
        self.offsets = offsets
        self.count = count
    }

    /// Floats of a pixel of so many channels.
    public static func stride(of channels: Int) -> Int {
        channels == 1 ? 1 : (channels + 7) / 8 * 8
    }

    /// The same without borders.
    public var unbordered: PlaneLayout {
        PlaneLayout(widths: widths, height: height, channels: stride, border: 0)
    }

    /// Number of lines.
    public var lineCount: Int { widths.count }

    /// Pixels of all lines, the borders not counted.
    public var pixelCount: Int { widths.reduce(0, +) * height }

    /// Floats from a row of a line to the next one.
    func pitch(_ line: Int) -> Int { (widths[line] + 2 * border) * stride }
}

/// Activations of a batch of lines: a layout and the memory that it describes.
public struct Planes {
    /// Where each line lies.
    public let layout: PlaneLayout
    /// The first line's first border.
    public let base: UnsafeMutablePointer<Float>

    /// Lays planes over a buffer, which grows if need be.
    public init(_ layout: PlaneLayout, in buffer: FloatBuffer) {
        buffer.reserve(layout.count)
        self.layout = layout
        base = buffer.base
    }

    /// The first pixel, behind the border, of a row: [W][stride].
    @inline(__always)
    public func row(_ line: Int, _ y: Int) -> UnsafeMutablePointer<Float> {
        base + layout.offsets[line] + y * layout.pitch(line) + layout.border * layout.stride
    }

    /// Sets the borders of a line to zero, whatever lay there before.
    public func clearBorders(_ line: Int) {
        let width = layout.border * layout.stride
        guard width > 0 else { return }
        for y in 0..<layout.height {
            let start = row(line, y)
            (start - width).update(repeating: 0, count: width)
            (start + layout.widths[line] * layout.stride).update(repeating: 0, count: width)
        }
    }
}
