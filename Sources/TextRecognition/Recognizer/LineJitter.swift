import Foundation
public import Learning

/// Small changes of a picture of a line that leave its text as it is: what makes a few labels tell
/// more than their pixels do.
public enum LineJitter {
    /// Another picture of the same text, 32 rows high.
    ///
    /// Stretched by up to 8 %, leant, turned by about a degree, moved by up to a pixel, sometimes
    /// blurred, with a little noise.
    public static func changed(_ image: GrayImage, _ random: inout KeyedRandom) -> GrayImage {
        let height = PreparedLine.height
        let wanted = Double(image.width * height) / Double(image.height)
        let width = min(max(8, Int(wanted.rounded())), PreparedLine.maximumWidth)
        let changed = warped(image.resized(width: width, height: height), &random)
        var canvas = Canvas(changed)
        if random.chance(0.3) { canvas.blur(random.uniform(0.3...0.9)) }
        if random.chance(0.3) { canvas.addNoise(random.uniform(Float(1)...6), &random) }
        return canvas.image
    }

    private static func warped(_ image: GrayImage, _ random: inout KeyedRandom) -> GrayImage {
        let (width, height) = (image.width, image.height)
        let stretch = random.uniform(Float(0.92)...1.08)
        let grown = random.uniform(Float(0.93)...1.05)
        let lean = random.uniform(Float(-0.1)...0.1)
        // Long lines are turned less: their ends must stay in the picture.
        let turn = random.uniform(Float(-0.015)...0.015) * min(1, 150 / Float(width))
        let moved = random.uniform(Float(-1)...1)
        let newWidth = max(8, Int((Float(width) * stretch).rounded()))
        let (middleX, middleY) = (Float(newWidth) / 2, Float(height) / 2)
        return GrayImage(width: newWidth, height: height) { target in
            image.pixels.withUnsafeBufferPointer { source in
                for y in 0..<height {
                    let down = Float(y) - middleY
                    for x in 0..<newWidth {
                        let across = Float(x) - middleX
                        let u = (across + lean * down) / stretch + Float(width) / 2
                        let v = (down + turn * across) / grown + middleY + moved
                        target[y * newWidth + x] = sample(source, width, height, u, v)
                    }
                }
            }
        }
    }

    /// Between the four pixels around a place; the edges go on beyond the picture.
    private static func sample(
        _ source: UnsafeBufferPointer<UInt8>,
        _ width: Int,
        _ height: Int,
        _ u: Float,
        _ v: Float
    ) -> UInt8 {
        let u = min(max(u, 0), Float(width - 1))
        let v = min(max(v, 0), Float(height - 1))
        let (left, top) = (Int(u), Int(v))
        let (right, bottom) = (min(left + 1, width - 1), min(top + 1, height - 1))
        let (a, b) = (u - Float(left), v - Float(top))
        let above =
            Float(source[top * width + left]) * (1 - a) + Float(source[top * width + right]) * a
        let below =
            Float(source[bottom * width + left]) * (1 - a)
            + Float(source[bottom * width + right]) * a
        return UInt8(above * (1 - b) + below * b + 0.5)
    }
}
