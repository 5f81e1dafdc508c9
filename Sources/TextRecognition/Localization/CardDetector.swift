import Foundation
internal import Learning

/// Where cards are in a photograph, roughly: none, one or several.
///
/// A network looks at the whole photograph. It gives, for each of 20 × 15 cells of 8 pixels,
///     [0]     the log-odds that the middle of a card is there
///     [1...8] where the card's corners are from the middle of the cell, in 32 pixels: x, y of each
/// Cells where the score is higher than in those around them, and above a threshold, are cards.
enum CardDetector {
    static let columns = 20
    static let rows = 15
    static let cell = 8.0
    /// Pixels that an output of 1 stands for.
    static let unit = 32.0
    static let outputs = 9

    static let network = ConvolutionalNetwork(
        inputHeight: PreparedPicture.height,
        [
            .init("stage1", kernel: (3, 3), channels: 16, stride: 2, padding: 1),
            .init("stage2", kernel: (3, 3), channels: 32, padding: 1, pool: (2, 2)),
            .init("stage3", kernel: (3, 3), channels: 48, padding: 1, pool: (2, 2)),
            .init("stage4", kernel: (3, 3), channels: 64, padding: 1),
            .dilated("context1", channels: 64, 2),
            .dilated("context2", channels: 64, 4),
            .dilated("context3", channels: 64, 1),
        ],
        outputs: outputs
    )

    /// A card that may be there, in the pixels of the prepared picture.
    struct Candidate {
        var quad: Quad
        /// How likely, 0 to 1.
        var score: Double
    }

    /// The middle of a cell.
    static func middle(_ column: Int, _ row: Int) -> Point {
        Point((Double(column) + 0.5) * cell, (Double(row) + 0.5) * cell)
    }

    /// Cards that score above `threshold`, best first; of those that overlap the better one.
    static func candidates(_ outputs: Planes, above threshold: Double) -> [Candidate] {
        func score(_ column: Int, _ row: Int) -> Float {
            guard (0..<columns).contains(column), (0..<rows).contains(row) else {
                return -.infinity
            }
            return outputs.row(0, row)[column * outputs.layout.stride]
        }
        var found: [Candidate] = []
        for row in 0..<rows {
            for column in 0..<columns {
                let here = score(column, row)
                let probability = 1 / (1 + exp(-Double(here)))
                guard probability > threshold else { continue }
                let isPeak = (-1...1).allSatisfy { y in
                    (-1...1).allSatisfy { x in score(column + x, row + y) <= here }
                }
                let quad = quad(outputs, column, row)
                guard isPeak, quad.isConvex else { continue }
                found.append(Candidate(quad: quad, score: probability))
            }
        }
        found.sort { $0.score > $1.score }
        return found.reduce(into: []) { kept, candidate in
            let isNew = kept.allSatisfy { $0.quad.intersectionOverUnion(candidate.quad) < 0.3 }
            if isNew { kept.append(candidate) }
        }
    }

    private static func quad(_ outputs: Planes, _ column: Int, _ row: Int) -> Quad {
        let pixel = outputs.row(0, row) + column * outputs.layout.stride
        let middle = middle(column, row)
        let corners = (0..<4).map { index in
            Point(
                middle.x + Double(pixel[1 + 2 * index]) * unit,
                middle.y + Double(pixel[2 + 2 * index]) * unit
            )
        }
        return Quad(corners)
    }

    /// Replaces the outputs for one picture with the gradient of their loss; returns the loss.
    ///
    /// Cross-entropy of the scores with a bell of one cell's width around each card's middle, and
    /// where that is above a half a smoothed absolute error of the corners (Huber, 1964), by its
    /// height. Both are means over the pictures' cards.
    static func loss(_ outputs: Planes, line: Int, quads: [Quad], weight: Double) -> Double {
        let share = weight / Double(max(1, quads.count))
        var loss = 0.0
        for row in 0..<rows {
            for column in 0..<columns {
                let pixel = outputs.row(line, row) + column * outputs.layout.stride
                let middle = middle(column, row)
                // The card that is nearest, and how near.
                var (bell, nearest) = (0.0, quads.first)
                for quad in quads {
                    let distance = quad.middle.distance(to: middle) / cell
                    let height = exp(-distance * distance / 2)
                    if height > bell { (bell, nearest) = (height, quad) }
                }
                let logit = Double(pixel[0])
                let probability = 1 / (1 + exp(-logit))
                // log(1 + e^z) - bell·z, without overflow.
                let entropy = max(logit, 0) + log1p(exp(-abs(logit))) - bell * logit
                loss += share * entropy
                pixel[0] = Float(share * (probability - bell))
                for channel in 1..<Self.outputs {
                    guard let nearest, bell > 0.5 else {
                        pixel[channel] = 0
                        continue
                    }
                    let corner = nearest.corners[(channel - 1) / 2]
                    let target =
                        channel % 2 == 1 ? (corner.x - middle.x) : (corner.y - middle.y)
                    let error = Double(pixel[channel]) - target / unit
                    let (cost, slope) = huber(error, 0.05)
                    loss += share * bell * cost
                    pixel[channel] = Float(share * bell * slope)
                }
            }
        }
        return loss
    }

    /// Half the square within `width`, straight beyond; divided by `width`, and its slope.
    private static func huber(_ error: Double, _ width: Double) -> (cost: Double, slope: Double) {
        abs(error) < width
            ? (error * error / (2 * width), error / width)
            : (abs(error) - width / 2, error < 0 ? -1 : 1)
    }
}

extension Quad {
    /// A quadrilateral of four corners, clockwise from the upper left.
    init(_ corners: [Point]) {
        precondition(corners.count == 4)
        self.init(
            topLeft: corners[0],
            topRight: corners[1],
            bottomRight: corners[2],
            bottomLeft: corners[3]
        )
    }

    /// The mean of the corners.
    var middle: Point {
        let corners = corners
        return Point(
            corners.reduce(0) { $0 + $1.x } / 4,
            corners.reduce(0) { $0 + $1.y } / 4
        )
    }
}

extension ConvolutionalNetwork.Shape {
    /// A residual 3×3 convolution over neighbours `dilation` pixels away.
    static func dilated(_ name: String, channels: Int, _ dilation: Int) -> Self {
        Self(
            name,
            kernel: (3, 3),
            channels: channels,
            dilation: dilation,
            padding: dilation,
            isResidual: true
        )
    }
}
