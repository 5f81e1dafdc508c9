import Foundation

/// What lenses and hands do to a picture.
extension Canvas {
    /// Blurs as a lens out of focus does, by a Gaussian of a deviation in pixels.
    mutating func blur(_ deviation: Double) {
        guard deviation > 0.2 else { return }
        let reach = max(1, Int((2.5 * deviation).rounded(.up)))
        let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let sum = weights.reduce(0, +)
        let kernel = weights.map { Float($0 / sum) }
        convolve(kernel, isAlongRow: true)
        convolve(kernel, isAlongRow: false)
    }

    /// Blurs along a line, as a hand that moves does: along rows and a little down.
    mutating func smear(along pixels: Int, isAlongRow: Bool) {
        guard pixels > 1 else { return }
        let kernel = [Float](
            repeating: 1 / Float(2 * (pixels / 2) + 1),
            count: 2 * (pixels / 2) + 1
        )
        convolve(kernel, isAlongRow: isAlongRow)
    }

    /// Replaces each value by the weighted mean of its neighbours in a row or column; the pixels at
    /// the edges go on beyond them.
    private mutating func convolve(_ kernel: [Float], isAlongRow: Bool) {
        let reach = kernel.count / 2
        isAlongRow ? convolveRows(kernel, reach) : convolveColumns(kernel, reach)
    }

    private mutating func convolveRows(_ kernel: [Float], _ reach: Int) {
        var padded = [Float](repeating: 0, count: width + 2 * reach)
        values.withUnsafeMutableBufferPointer { values in
            padded.withUnsafeMutableBufferPointer { padded in
                for y in 0..<height {
                    let row = UnsafeMutableBufferPointer(
                        rebasing: values[(y * width)..<((y + 1) * width)]
                    )
                    for x in 0..<reach {
                        padded[x] = row[0]
                        padded[reach + width + x] = row[width - 1]
                    }
                    for x in 0..<width { padded[reach + x] = row[x] }
                    for x in 0..<width { row[x] = kernel[0] * padded[x] }
                    for tap in 1..<kernel.count {
                        let weight = kernel[tap]
                        for x in 0..<width { row[x] += weight * padded[x + tap] }
                    }
                }
            }
        }
    }

    private mutating func convolveColumns(_ kernel: [Float], _ reach: Int) {
        let source = values
        source.withUnsafeBufferPointer { source in
            values.withUnsafeMutableBufferPointer { values in
                for y in 0..<height {
                    let row = UnsafeMutableBufferPointer(
                        rebasing: values[(y * width)..<((y + 1) * width)]
                    )
                    for x in 0..<width { row[x] = 0 }
                    for tap in 0..<kernel.count {
                        let weight = kernel[tap]
                        let start = min(max(y + tap - reach, 0), height - 1) * width
                        for x in 0..<width { row[x] += weight * source[start + x] }
                    }
                }
            }
        }
    }
}
