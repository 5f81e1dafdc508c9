/// Pictures of another size.
extension GrayImage {
    /// The picture scaled to `width` times `height` pixels.
    ///
    /// Along a side that shrinks, a pixel is the mean of the area that it covers; along one that
    /// grows, it is interpolated with the four nearest (Keys, "Cubic convolution interpolation for
    /// digital image processing", 1981, a = -1/2).
    public func resized(width newWidth: Int, height newHeight: Int) -> GrayImage {
        if newWidth == width && newHeight == height { return self }
        let columns = ResizeWeights(from: width, to: newWidth)
        let rows = ResizeWeights(from: height, to: newHeight)
        // [height × newWidth]: every row scaled along itself.
        let narrowed = [Float](unsafeUninitializedCapacity: height * newWidth) { target, count in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<height {
                    let row = y * width
                    for x in 0..<newWidth {
                        var sum: Float = 0
                        let first = row + Int(columns.first[x])
                        for tap in 0..<columns.tapCount {
                            sum +=
                                columns.weights[x * columns.tapCount + tap]
                                * Float(source[first + tap])
                        }
                        target[y * newWidth + x] = sum
                    }
                }
            }
            count = height * newWidth
        }
        return GrayImage(width: newWidth, height: newHeight) { target in
            narrowed.withUnsafeBufferPointer { source in
                var sums = [Float](repeating: 0, count: newWidth)
                for y in 0..<newHeight {
                    for x in 0..<newWidth { sums[x] = 0.5 }
                    for tap in 0..<rows.tapCount {
                        let weight = rows.weights[y * rows.tapCount + tap]
                        let start = (Int(rows.first[y]) + tap) * newWidth
                        for x in 0..<newWidth { sums[x] += weight * source[start + x] }
                    }
                    for x in 0..<newWidth {
                        target[y * newWidth + x] = UInt8(min(max(sums[x], 0), 255))
                    }
                }
            }
        }
    }
}

/// Which old pixels make each new one along a side, and by what weights.
private struct ResizeWeights {
    /// The first old pixel of each new one; the others follow it.
    let first: [Int32]
    /// `weights[new * tapCount + tap]`; those of a new pixel sum to 1.
    let weights: [Float]
    /// How many old pixels make a new one, the same for all: some weights are 0.
    let tapCount: Int

    init(from old: Int, to new: Int) {
        let scale = Double(old) / Double(new)
        let reach = scale > 1 ? scale / 2 : 2.0
        tapCount = min(old, Int((2 * reach).rounded(.up)) + 1)
        var first: [Int32] = []
        var weights: [Float] = []
        for index in 0..<new {
            let center = (Double(index) + 0.5) * scale
            let start = min(max(0, Int((center - reach).rounded(.down))), old - tapCount)
            var own = [Double](repeating: 0, count: tapCount)
            if scale > 1 {
                for tap in 0..<tapCount {
                    let left = max(Double(start + tap), center - reach)
                    own[tap] = max(0, min(Double(start + tap + 1), center + reach) - left)
                }
            } else {
                // What would be beyond an edge is the pixel at the edge.
                let nearest = Int((center - 0.5).rounded(.down))
                for old in nearest - 1...nearest + 2 {
                    let tap = min(max(old - start, 0), tapCount - 1)
                    own[tap] += Self.cubic(abs(Double(old) + 0.5 - center))
                }
            }
            let sum = own.reduce(0, +)
            first.append(Int32(start))
            weights += own.map { Float($0 / sum) }
        }
        self.first = first
        self.weights = weights
    }

    private static func cubic(_ x: Double) -> Double {
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    }
}
