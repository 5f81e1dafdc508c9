/// A grey picture: `pixels[y * width + x]`, 0 black to 255 white.
public struct GrayImage: Sendable, Equatable {
    /// Pixels in a row, at least 1.
    public let width: Int
    /// Rows, at least 1.
    public let height: Int
    /// Row by row from the top, each from the left.
    public var pixels: [UInt8]

    /// Makes a picture of `width` times `height` pixels.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height)
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Makes a picture of one colour.
    public init(width: Int, height: Int, filledWith gray: UInt8) {
        self.init(
            width: width,
            height: height,
            pixels: [UInt8](repeating: gray, count: width * height)
        )
    }

    /// Makes a picture whose pixels `body` writes, every one.
    init(
        width: Int,
        height: Int,
        _ body: (UnsafeMutableBufferPointer<UInt8>) -> Void
    ) {
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height) { buffer, count in
            buffer.initialize(repeating: 0)
            body(buffer)
            count = width * height
        }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// The pixel in a column of a row, both counted from 0 at the upper left.
    public subscript(x: Int, y: Int) -> UInt8 {
        get { pixels[y * width + x] }
        set { pixels[y * width + x] = newValue }
    }

    /// The part of the picture at `x` and `y`, cut at the picture's edges; nil when none of it is
    /// inside.
    public func cropped(x: Int, y: Int, width: Int, height: Int) -> GrayImage? {
        let columns = (max(0, x)..<max(0, x, min(self.width, x + width)))
        let rows = (max(0, y)..<max(0, y, min(self.height, y + height)))
        guard !columns.isEmpty, !rows.isEmpty else { return nil }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(columns.count * rows.count)
        for row in rows {
            let start = row * self.width
            pixels += self.pixels[(start + columns.lowerBound)..<(start + columns.upperBound)]
        }
        return GrayImage(width: columns.count, height: rows.count, pixels: pixels)
    }
}
