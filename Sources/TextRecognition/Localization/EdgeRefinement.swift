/// Moves the sides of a card that was found nearly to where they are: for each side, the straight
/// line near it that most of the steps in brightness lie on.
///
/// Every line from a place near one end of the side to a place near the other is tried, so that the
/// edges of letters, sheets and grain, which are not on one line along the whole side, do not count
/// for much. Then it is moved by fractions of a pixel.
struct EdgeRefinement {
    /// How far a side may be moved, in pixels.
    let reach: Double
    /// Pixels between lines that are tried.
    private static let step = 0.5
    /// Places along a side where brightness is looked at.
    private static let sampleCount = 48
    /// A step in brightness that counts half of the largest ones, in grey levels.
    private static let typicalStep = 10.0

    /// The quadrilateral with its sides moved; itself where that gives no convex one.
    func refined(_ quad: Quad, in image: GrayImage) -> Quad {
        let corners = quad.corners
        let lines = (0..<4).map { side(corners[$0], corners[($0 + 1) % 4], image) }
        var moved: [Point] = []
        for index in 0..<4 {
            guard let corner = Self.crossing(lines[(index + 3) % 4], lines[index]),
                corner.distance(to: corners[index]) < 2 * reach
            else { return quad }
            moved.append(corner)
        }
        let refined = Quad(moved)
        return refined.isConvex ? refined : quad
    }

    private typealias Line = (start: Point, end: Point)

    /// The line near the side from `start` to `end` (clockwise: the card is to its right).
    private func side(_ start: Point, _ end: Point, _ image: GrayImage) -> Line {
        let length = start.distance(to: end)
        guard length > 8 else { return (start, end) }
        let along = Point((end.x - start.x) / length, (end.y - start.y) / length)
        // Outwards.
        let normal = Point(along.y, -along.x)
        let offsets = Int(2 * reach / Self.step) + 1
        // [sample][offset]: how brightness changes outwards there.
        let changes = changes(start, along, normal, length, offsets, image)
        let weights = changes.map { $0 * $0 / ($0 * $0 + Self.typicalStep * Self.typicalStep) }
        var best = (score: -Double.infinity, first: 0, last: 0)
        for first in 0..<offsets {
            for last in 0..<offsets {
                let score = score(weights, first, last, offsets)
                if score > best.score { best = (score, first, last) }
            }
        }
        let (first, last) = exactly(best.first, best.last, changes, offsets)
        func moved(_ point: Point, _ offset: Double) -> Point {
            let distance = offset * Self.step - reach
            return Point(point.x + normal.x * distance, point.y + normal.y * distance)
        }
        return (moved(start, first), moved(end, last))
    }

    /// From 0 to 1 along a side; its ends are round and left out.
    private static func share(_ sample: Int) -> Double {
        0.08 + 0.84 * (Double(sample) + 0.5) / Double(sampleCount)
    }

    private func changes(
        _ start: Point,
        _ along: Point,
        _ normal: Point,
        _ length: Double,
        _ offsets: Int,
        _ image: GrayImage
    ) -> [Double] {
        var changes = [Double](repeating: 0, count: Self.sampleCount * offsets)
        // Brightness from two steps before the first offset to two behind the last one.
        var profile = [Float](repeating: 0, count: offsets + 4)
        image.pixels.withUnsafeBufferPointer { pixels in
            for sample in 0..<Self.sampleCount {
                for index in profile.indices {
                    let distance = Double(index - 2) * Self.step - reach
                    var sum: Float = 0
                    // Three neighbours along the side: less noise.
                    for neighbour in -1...1 {
                        let place = Self.share(sample) * length + 1.5 * Double(neighbour)
                        sum += image.interpolated(
                            pixels,
                            Float(start.x + along.x * place + normal.x * distance),
                            Float(start.y + along.y * place + normal.y * distance)
                        )
                    }
                    profile[index] = sum / 3
                }
                for offset in 0..<offsets {
                    changes[sample * offsets + offset] =
                        Double(profile[offset + 4] - profile[offset])
                }
            }
        }
        return changes
    }

    /// How much of a line from one offset to another lies on steps, less a little for being far.
    private func score(_ weights: [Double], _ first: Int, _ last: Int, _ offsets: Int) -> Double {
        var sum = 0.0
        weights.withUnsafeBufferPointer { weights in
            for sample in 0..<Self.sampleCount {
                let place =
                    Double(first) + Self.share(sample) * Double(last - first) + 0.5
                sum += weights[sample * offsets + Int(place)]
            }
        }
        let (a, b) = (Double(first) * Self.step / reach - 1, Double(last) * Self.step / reach - 1)
        return sum / Double(Self.sampleCount) - 0.04 * (a * a + b * b)
    }

    /// Moves the line by fractions of a step to where brightness changes most, in three rounds.
    private func exactly(
        _ first: Int,
        _ last: Int,
        _ changes: [Double],
        _ offsets: Int
    ) -> (Double, Double) {
        (0..<3).reduce((Double(first), Double(last))) { line, _ in
            fitted(line, changes, offsets)
        }
    }

    /// The line through the steps within a pixel and a half of a line: least squares, by the square
    /// of their height beside the highest one near.
    private func fitted(
        _ line: (first: Double, last: Double),
        _ changes: [Double],
        _ offsets: Int
    ) -> (Double, Double) {
        // Sums of w, w t, w t², w d, w d t, for d = a + (b - a) t.
        var (w, wt, wtt, wd, wdt) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for sample in 0..<Self.sampleCount {
            let t = Self.share(sample)
            let place = Int((line.first + t * (line.last - line.first)).rounded())
            let near = max(0, place - 3)..<min(offsets, place + 4)
            let row = sample * offsets
            let squares = near.map { changes[row + $0] * changes[row + $0] }
            let highest = squares.max() ?? 0
            for (offset, square) in zip(near, squares) {
                let weight = square / (highest + Self.typicalStep * Self.typicalStep)
                w += weight
                wt += weight * t
                wtt += weight * t * t
                wd += weight * Double(offset)
                wdt += weight * Double(offset) * t
            }
        }
        let determinant = w * wtt - wt * wt
        guard determinant > 1e-6 * w * w, w > 0 else { return line }
        let slope = (w * wdt - wt * wd) / determinant
        let start = (wd - slope * wt) / w
        // Never beyond what was looked at.
        let reached = (0.0...Double(offsets - 1))
        guard reached.contains(start), reached.contains(start + slope) else { return line }
        return (start, start + slope)
    }

    /// Where two lines cross; nil when they hardly do.
    private static func crossing(_ one: Line, _ other: Line) -> Point? {
        let (dx1, dy1) = (one.end.x - one.start.x, one.end.y - one.start.y)
        let (dx2, dy2) = (other.end.x - other.start.x, other.end.y - other.start.y)
        let determinant = dx1 * dy2 - dy1 * dx2
        let lengths = (dx1 * dx1 + dy1 * dy1) * (dx2 * dx2 + dy2 * dy2)
        guard determinant * determinant > 0.01 * lengths else { return nil }
        let (x, y) = (other.start.x - one.start.x, other.start.y - one.start.y)
        let share = (x * dy2 - y * dx2) / determinant
        return Point(one.start.x + share * dx1, one.start.y + share * dy1)
    }
}
