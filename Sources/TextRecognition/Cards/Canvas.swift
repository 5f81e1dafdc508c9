import Foundation
internal import Learning

/// A picture that is being made: brightness as `Float`, 0 black to 255 white, row by row.
///
/// Its owner is whoever makes the picture; nothing here is shared.
struct Canvas {
    let width: Int
    let height: Int
    var values: [Float]

    init(width: Int, height: Int, brightness: Float) {
        precondition(width > 0 && height > 0)
        self.width = width
        self.height = height
        values = [Float](repeating: brightness, count: width * height)
    }

    init(_ image: GrayImage) {
        width = image.width
        height = image.height
        values = image.pixels.map(Float.init)
    }

    /// The picture, with what is too dark or too bright cut off.
    var image: GrayImage {
        GrayImage(width: width, height: height) { target in
            values.withUnsafeBufferPointer { values in
                for index in target.indices {
                    target[index] = UInt8(min(max(values[index] + 0.5, 0), 255))
                }
            }
        }
    }

    /// Changes each pixel of a rectangle, cut at the edges.
    mutating func change(
        _ columns: Range<Int>,
        _ rows: Range<Int>,
        _ body: (_ x: Int, _ y: Int, _ value: inout Float) -> Void
    ) {
        let columns = columns.clamped(to: 0..<width)
        let rows = rows.clamped(to: 0..<height)
        values.withUnsafeMutableBufferPointer { values in
            for y in rows {
                for x in columns { body(x, y, &values[y * width + x]) }
            }
        }
    }

    /// Light from a side: multiplies by `1 + right·x + down·y`, with x and y from -1 to 1, in parts
    /// of the brightest corner, so that nothing becomes too bright.
    mutating func light(right: Float, down: Float) {
        let (stepX, stepY) = (2 / Float(width), 2 / Float(height))
        let exposure = 1 / (1 + abs(right) + abs(down))
        values.withUnsafeMutableBufferPointer { values in
            for y in 0..<height {
                let row = (1 + down * (Float(y) * stepY - 1) - right) * exposure
                let step = right * stepX * exposure
                for x in 0..<width { values[y * width + x] *= row + step * Float(x) }
            }
        }
    }

    /// Adds a bright spot that fades with the distance from its middle.
    mutating func glare(x: Float, y: Float, radiusX: Float, radiusY: Float, strength: Float) {
        let columns = Int(x - 2 * radiusX)..<Int(x + 2 * radiusX) + 1
        let rows = Int(y - 2 * radiusY)..<Int(y + 2 * radiusY) + 1
        change(columns, rows) { column, row, value in
            let dx = (Float(column) - x) / radiusX
            let dy = (Float(row) - y) / radiusY
            let fade = max(0, 1 - (dx * dx + dy * dy) / 4)
            value += strength * fade * fade * fade
        }
    }

    /// Maps brightness to `low + (high - low)·value/255`.
    mutating func compress(to range: ClosedRange<Float>) {
        let factor = (range.upperBound - range.lowerBound) / 255
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices {
                values[index] = values[index] * factor + range.lowerBound
            }
        }
    }

    /// Adds noise with a deviation, as a sensor does.
    mutating func addNoise(_ deviation: Float, _ random: inout KeyedRandom) {
        NormalTable.shared.quantiles.withUnsafeBufferPointer { quantiles in
            values.withUnsafeMutableBufferPointer { values in
                var index = 0
                while index < values.count {
                    var bits = random.next()
                    // Five numbers of ten bits, with some to spare.
                    for _ in 0..<min(5, values.count - index) {
                        values[index] += deviation * quantiles[Int(bits & 1023)]
                        bits >>= 12
                        index += 1
                    }
                }
            }
        }
    }

    /// Adds smooth spots of about `size` pixels with a deviation: paper, dirt, cloth.
    mutating func addSpots(size: Double, deviation: Double, _ random: inout KeyedRandom) {
        let columns = max(2, Int(Double(width) / size) + 1)
        let rows = max(2, Int(Double(height) / size) + 1)
        let coarse = GrayImage(width: columns, height: rows) { pixels in
            for index in pixels.indices {
                pixels[index] = UInt8(min(max(128 + 40 * random.normal(), 0), 255))
            }
        }
        let spots = coarse.resized(width: width, height: height)
        let factor = Float(deviation / 40)
        spots.pixels.withUnsafeBufferPointer { spots in
            values.withUnsafeMutableBufferPointer { values in
                for index in values.indices {
                    values[index] += (Float(spots[index]) - 128) * factor
                }
            }
        }
    }
}

/// Numbers that are normally distributed when one is picked: the middles of 1024 equal parts.
struct NormalTable: Sendable {
    let quantiles: [Float]

    static let shared = NormalTable()

    /// By Newton's method on the distribution function.
    private init() {
        quantiles = (0..<1024).map { index in
            let share = (Double(index) + 0.5) / 1024
            var x = 0.0
            for _ in 0..<60 {
                let error = 0.5 * (1 + erf(x / 2.0.squareRoot())) - share
                let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
                x -= min(max(error / density, -0.5), 0.5)
            }
            return Float(x)
        }
    }
}
