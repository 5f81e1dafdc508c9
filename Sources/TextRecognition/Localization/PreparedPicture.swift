internal import Learning

/// A photograph, or the part of it around a card, as the networks that find cards read it:
/// 160 × 120, mean 0, deviation 1.
struct PreparedPicture: Sendable, NetworkInput {
    /// Rows of every picture.
    static let height = 120
    /// Columns of every picture.
    static let fullWidth = 160

    let width = Self.fullWidth
    let pixels: [Float]
    /// From places in here to those in the photograph.
    let toPhotograph: Homography

    /// Where a card would lie in the part around it, if it was found exactly: 16 and 18 pixels are
    /// left beside it.
    static let cardBox = Quad(x: 16, y: 18, width: 128, height: 84)

    /// The whole photograph, as large as it fits, with the mean around it.
    init(whole photograph: GrayImage) {
        let scale = min(
            Double(Self.fullWidth) / Double(photograph.width),
            Double(Self.height) / Double(photograph.height)
        )
        let width = min(Self.fullWidth, max(1, Int(Double(photograph.width) * scale)))
        let height = min(Self.height, max(1, Int(Double(photograph.height) * scale)))
        let small = photograph.resized(width: width, height: height)
        let (left, top) = ((Self.fullWidth - width) / 2, (Self.height - height) / 2)
        let normalized = Self.normalized(small)
        var pixels = [Float](repeating: 0, count: Self.fullWidth * Self.height)
        for y in 0..<height {
            for x in 0..<width {
                pixels[(top + y) * Self.fullWidth + left + x] = normalized[y * width + x]
            }
        }
        self.pixels = pixels
        toPhotograph = Homography(
            scaleX: Double(photograph.width) / Double(width),
            scaleY: Double(photograph.height) / Double(height),
            fromX: Double(left),
            fromY: Double(top)
        )
    }

    /// What is within `quad` and around it, straightened; nil when that has no area or lies far from
    /// the photograph.
    init?(around quad: Quad, in photograph: GrayImage) {
        guard quad.isConvex, let mapping = Homography(from: Self.cardBox, to: quad) else {
            return nil
        }
        let frame = Quad(
            x: 0,
            y: 0,
            width: Double(Self.fullWidth),
            height: Double(Self.height)
        )
        let seen = mapping(frame)
        guard seen.isConvex, let part = Self.bounds(of: seen, in: photograph),
            let cut = photograph.cropped(
                x: part.x,
                y: part.y,
                width: part.width,
                height: part.height
            )
        else { return nil }
        // Reduced to about the pixels that are wanted: single ones of a large picture are noise.
        let across = quad.topLeft.distance(to: quad.topRight)
        let other = quad.bottomLeft.distance(to: quad.bottomRight)
        let shrink = max(1, max(across, other) / (Self.cardBox.topRight.x - Self.cardBox.topLeft.x))
        let (width, height) = (
            max(1, Int((Double(cut.width) / shrink).rounded())),
            max(1, Int((Double(cut.height) / shrink).rounded()))
        )
        let toSmall = Homography(
            scaleX: Double(width) / Double(cut.width),
            scaleY: Double(height) / Double(cut.height),
            fromX: Double(part.x),
            fromY: Double(part.y)
        )
        let small = cut.resized(width: width, height: height)
        let mean = small.pixels.reduce(0) { $0 + Int($1) } / small.pixels.count
        pixels = Self.normalized(
            small.warped(
                by: mapping.followed(by: toSmall),
                width: Self.fullWidth,
                height: Self.height,
                outside: UInt8(mean)
            )
        )
        toPhotograph = mapping
    }

    /// The upright rectangle around a quadrilateral, as far as it is in the photograph.
    private static func bounds(of quad: Quad, in photograph: GrayImage)
        -> (x: Int, y: Int, width: Int, height: Int)?
    {
        let (xs, ys) = (quad.corners.map(\.x), quad.corners.map(\.y))
        let left = max(0, (xs.min() ?? 0) - 2)
        let top = max(0, (ys.min() ?? 0) - 2)
        let right = min(Double(photograph.width), (xs.max() ?? 0) + 2)
        let bottom = min(Double(photograph.height), (ys.max() ?? 0) + 2)
        guard right - left >= 4, bottom - top >= 4 else { return nil }
        return (Int(left), Int(top), Int(right) - Int(left), Int(bottom) - Int(top))
    }

    /// As `PreparedLine` does it: 8 grey levels more, so that noise is not blown up.
    private static func normalized(_ image: GrayImage) -> [Float] {
        var (sum, squares) = (0, 0)
        for pixel in image.pixels {
            sum += Int(pixel)
            squares += Int(pixel) * Int(pixel)
        }
        let count = Double(image.pixels.count)
        let mean = Double(sum) / count
        let deviation = max(0, Double(squares) / count - mean * mean).squareRoot()
        let factor = Float(1 / (deviation + 8))
        return image.pixels.map { (Float($0) - Float(mean)) * factor }
    }
}
