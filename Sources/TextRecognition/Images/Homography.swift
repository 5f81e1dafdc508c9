/// A perspective mapping of the plane: `(x, y)` goes to
/// `((a x + b y + c) / (g x + h y + i), (d x + e y + f) / (g x + h y + i))`.
public struct Homography: Sendable, Equatable {
    /// `a` to `i`, row by row.
    let m: [Double]

    private init(_ m: [Double]) { self.m = m }

    /// The mapping that takes the corners of one quadrilateral to those of another; nil when three
    /// corners of one are on a line.
    public init?(from source: Quad, to target: Quad) {
        guard let back = Self.ofUnitSquare(to: source)?.inverse,
            let there = Self.ofUnitSquare(to: target),
            there.inverse != nil
        else { return nil }
        self = back.followed(by: there)
    }

    /// Moves the origin to (`fromX`, `fromY`), then scales.
    init(scaleX: Double, scaleY: Double, fromX: Double = 0, fromY: Double = 0) {
        m = [scaleX, 0, -scaleX * fromX, 0, scaleY, -scaleY * fromY, 0, 0, 1]
    }

    /// Where a point goes.
    public func callAsFunction(_ point: Point) -> Point {
        let w = m[6] * point.x + m[7] * point.y + m[8]
        return Point(
            (m[0] * point.x + m[1] * point.y + m[2]) / w,
            (m[3] * point.x + m[4] * point.y + m[5]) / w
        )
    }

    /// Where a quadrilateral goes.
    public func callAsFunction(_ quad: Quad) -> Quad {
        Quad(
            topLeft: self(quad.topLeft),
            topRight: self(quad.topRight),
            bottomRight: self(quad.bottomRight),
            bottomLeft: self(quad.bottomLeft)
        )
    }

    /// The mapping back; nil when there is none.
    public var inverse: Homography? {
        let adjugate = [
            m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
            m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
            m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3],
        ]
        let determinant = m[0] * adjugate[0] + m[1] * adjugate[3] + m[2] * adjugate[6]
        // Its size beside the numbers that it is the difference of: below 1e-12 it is rounding.
        let largest = m.reduce(0) { max($0, abs($1)) }
        guard determinant.isFinite, abs(determinant) > 1e-12 * largest * largest else { return nil }
        return Homography(adjugate.map { $0 / determinant })
    }

    /// This mapping, then another.
    public func followed(by next: Homography) -> Homography {
        var product: [Double] = []
        for row in 0..<3 {
            for column in 0..<3 {
                product.append(
                    next.m[3 * row] * m[column] + next.m[3 * row + 1] * m[3 + column]
                        + next.m[3 * row + 2] * m[6 + column]
                )
            }
        }
        return Homography(product)
    }

    /// The mapping of the square from (0, 0) to (1, 1) to a quadrilateral (Heckbert, "Fundamentals
    /// of Texture Mapping and Image Warping", 1989, section 2.2.3).
    private static func ofUnitSquare(to quad: Quad) -> Homography? {
        let (p0, p1, p2, p3) = (quad.topLeft, quad.topRight, quad.bottomRight, quad.bottomLeft)
        let (sumX, sumY) = (p0.x - p1.x + p2.x - p3.x, p0.y - p1.y + p2.y - p3.y)
        let (dx1, dy1) = (p1.x - p2.x, p1.y - p2.y)
        let (dx2, dy2) = (p3.x - p2.x, p3.y - p2.y)
        let denominator = dx1 * dy2 - dx2 * dy1
        guard denominator.isFinite, abs(denominator) > 1e-12 else { return nil }
        let g = (sumX * dy2 - dx2 * sumY) / denominator
        let h = (dx1 * sumY - sumX * dy1) / denominator
        return Homography([
            p1.x - p0.x + g * p1.x, p3.x - p0.x + h * p3.x, p0.x,
            p1.y - p0.y + g * p1.y, p3.y - p0.y + h * p3.y, p0.y,
            g, h, 1,
        ])
    }
}

extension GrayImage {
    /// A picture of `width` times `height` pixels, each taken from where `mapping` sends it in this
    /// one and interpolated between the four nearest; `outside` beyond the edges.
    public func warped(
        by mapping: Homography,
        width newWidth: Int,
        height newHeight: Int,
        outside: UInt8 = 0
    ) -> GrayImage {
        GrayImage(width: newWidth, height: newHeight) { target in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<newHeight {
                    let row = UnsafeMutableBufferPointer(
                        rebasing: target[(y * newWidth)..<((y + 1) * newWidth)]
                    )
                    sample(source, along: mapping.row(y), into: row, outside)
                }
            }
        }
    }

    /// The part of the picture that has these corners, as a rectangle; nil when three of them are
    /// on a line.
    public func rectified(_ quad: Quad, width: Int, height: Int) -> GrayImage? {
        let target = Quad(x: 0, y: 0, width: Double(width), height: Double(height))
        guard let mapping = Homography(from: target, to: quad) else { return nil }
        return warped(by: mapping, width: width, height: height)
    }

    private func sample(
        _ source: UnsafeBufferPointer<UInt8>,
        along line: Homography.Row,
        into target: UnsafeMutableBufferPointer<UInt8>,
        _ outside: UInt8
    ) {
        let (right, bottom) = (Float(width), Float(height))
        for index in target.indices {
            let step = Float(index) + 0.5
            let scale = 1 / (line.w + line.stepW * step)
            let x = (line.x + line.stepX * step) * scale
            let y = (line.y + line.stepY * step) * scale
            // Also false for what is not a number.
            guard x >= 0, x < right, y >= 0, y < bottom else {
                target[index] = outside
                continue
            }
            let (u, v) = (max(x - 0.5, 0), max(y - 0.5, 0))
            let (left, top) = (Int(u), Int(v))
            let (p, q) = (u - Float(left), v - Float(top))
            let here = top * width + left
            let next = left + 1 < width ? here + 1 : here
            let below = top + 1 < height ? width : 0
            let upper = Float(source[here]) * (1 - p) + Float(source[next]) * p
            let lower = Float(source[here + below]) * (1 - p) + Float(source[next + below]) * p
            target[index] = UInt8(upper * (1 - q) + lower * q + 0.5)
        }
    }
}

extension Homography {
    /// Where the pixels of a row go: numerators and denominator at its left edge, and their steps.
    struct Row {
        let x, y, w, stepX, stepY, stepW: Float
    }

    /// The row whose pixels' middles are half a pixel below `y`.
    func row(_ y: Int) -> Row {
        let middle = Double(y) + 0.5
        return Row(
            x: Float(m[1] * middle + m[2]),
            y: Float(m[4] * middle + m[5]),
            w: Float(m[7] * middle + m[8]),
            stepX: Float(m[0]),
            stepY: Float(m[3]),
            stepW: Float(m[6])
        )
    }
}
