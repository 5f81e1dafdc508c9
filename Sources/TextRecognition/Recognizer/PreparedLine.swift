public import Learning

/// A line as the network reads it: 32 rows, mean 0, deviation 1 (a little less for flat pictures).
///
/// Everything is a function of the line alone. The width is rounded up to a multiple of 4 (the
/// network has a step for every 4 columns) with zeros, the line's own mean.
public struct PreparedLine: Sendable, Equatable, NetworkInput {
    /// Rows of every line.
    public static let height = 32
    /// Columns that become one step.
    public static let columnsPerStep = 4
    /// Wider lines are squeezed to this: some 150 characters.
    public static let maximumWidth = 2048

    /// Columns, a multiple of 4.
    public let width: Int
    /// [32][width].
    public let pixels: [Float]

    /// Time steps that the network makes of it.
    public var stepCount: Int { width / Self.columnsPerStep }

    /// Takes pixels that are scaled and normalized already.
    public init(width: Int, pixels: [Float]) {
        precondition(width > 0 && width % Self.columnsPerStep == 0)
        precondition(pixels.count == width * Self.height)
        self.width = width
        self.pixels = pixels
    }

    /// Scales a picture of a line to the height of 32 and normalizes it.
    public init(_ image: GrayImage) {
        let wanted = (Double(image.width * Self.height) / Double(image.height)).rounded()
        let width = min(max(Int(wanted), 2 * Self.columnsPerStep), Self.maximumWidth)
        let scaled = image.resized(width: width, height: Self.height)
        var (sum, squares) = (0, 0)
        for pixel in scaled.pixels {
            sum += Int(pixel)
            squares += Int(pixel) * Int(pixel)
        }
        let count = Double(scaled.pixels.count)
        let mean = Double(sum) / count
        let deviation = max(0, Double(squares) / count - mean * mean).squareRoot()
        // 8 grey levels more: the noise of a flat picture is not blown up into a text.
        let factor = Float(1 / (deviation + 8))
        let rounded =
            (width + Self.columnsPerStep - 1) / Self.columnsPerStep
            * Self.columnsPerStep
        var pixels = [Float](repeating: 0, count: rounded * Self.height)
        for y in 0..<Self.height {
            for x in 0..<width {
                pixels[y * rounded + x] = (Float(scaled[x, y]) - Float(mean)) * factor
            }
        }
        self.init(width: rounded, pixels: pixels)
    }
}
