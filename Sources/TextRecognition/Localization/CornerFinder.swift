import Foundation
internal import Learning

/// Where the corners of one card are in the part of a photograph around it.
///
/// A network gives four maps of 40 × 30 cells of 4 pixels, one for each corner: the softmax of a map
/// is where the corner may be, and its mean around the peak where it is.
enum CornerFinder {
    static let columns = 40
    static let rows = 30
    static let cell = 4.0

    static let network = ConvolutionalNetwork(
        inputHeight: PreparedPicture.height,
        [
            .init("stage1", kernel: (3, 3), channels: 16, stride: 2, padding: 1),
            .init("stage2", kernel: (3, 3), channels: 32, padding: 1, pool: (2, 2)),
            .init("stage3", kernel: (3, 3), channels: 48, padding: 1),
            .dilated("context1", channels: 48, 2),
            .dilated("context2", channels: 48, 4),
            .dilated("context3", channels: 48, 8),
        ],
        outputs: 4
    )

    /// Cells around the peak that the mean is taken over.
    private static let reach = 3

    /// The corners in the pixels of the prepared picture, and how much of each map's probability
    /// lies around its peak: the least of the four.
    static func corners(_ outputs: Planes) -> (quad: Quad, certainty: Double) {
        var (corners, certainty) = ([Point](), 1.0)
        for corner in 0..<4 {
            let map = softmax(outputs, line: 0, corner)
            var peak = 0
            for index in map.indices where map[index] > map[peak] { peak = index }
            let (column, row) = (peak % columns, peak / columns)
            var (sum, x, y) = (0.0, 0.0, 0.0)
            for r in max(0, row - reach)...min(rows - 1, row + reach) {
                for c in max(0, column - reach)...min(columns - 1, column + reach) {
                    let share = map[r * columns + c]
                    sum += share
                    x += share * (Double(c) + 0.5)
                    y += share * (Double(r) + 0.5)
                }
            }
            corners.append(Point(x / sum * cell, y / sum * cell))
            certainty = min(certainty, sum)
        }
        return (Quad(corners), certainty)
    }

    /// Replaces the outputs for one picture with the gradient of their loss; returns the loss.
    ///
    /// Cross-entropy with a bell of 1.2 cells' width around each corner, mean over the corners.
    static func loss(_ outputs: Planes, line: Int, quad: Quad, weight: Double) -> Double {
        var loss = 0.0
        for (index, corner) in quad.corners.enumerated() {
            let map = softmax(outputs, line: line, index)
            let target = bell(around: corner)
            for row in 0..<rows {
                for column in 0..<columns {
                    let place = row * columns + column
                    if target[place] > 0 {
                        loss -= weight / 4 * target[place] * log(max(map[place], 1e-30))
                    }
                    outputs.row(line, row)[column * outputs.layout.stride + index] =
                        Float(weight / 4 * (map[place] - target[place]))
                }
            }
        }
        return loss
    }

    private static func softmax(_ outputs: Planes, line: Int, _ corner: Int) -> [Double] {
        var map: [Double] = []
        map.reserveCapacity(rows * columns)
        for row in 0..<rows {
            let pixels = outputs.row(line, row) + corner
            for column in 0..<columns {
                map.append(Double(pixels[column * outputs.layout.stride]))
            }
        }
        let largest = map.max() ?? 0
        var sum = 0.0
        for index in map.indices {
            map[index] = exp(map[index] - largest)
            sum += map[index]
        }
        for index in map.indices { map[index] /= sum }
        return map
    }

    /// exp(-d² / 2 · 1.2²), d in cells, as shares of 1.
    private static func bell(around corner: Point) -> [Double] {
        var (map, sum) = ([Double](), 0.0)
        map.reserveCapacity(rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                let dx = Double(column) + 0.5 - corner.x / cell
                let dy = Double(row) + 0.5 - corner.y / cell
                let height = dx * dx + dy * dy < 36 ? exp(-(dx * dx + dy * dy) / 2.88) : 0
                map.append(height)
                sum += height
            }
        }
        guard sum > 0 else { return map }
        return map.map { $0 / sum }
    }
}
