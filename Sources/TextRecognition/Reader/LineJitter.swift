import Learning

/// Small changes of a line that leave its text as it is: a few labels then stand for more.
///
/// Drawn from random numbers of the label and the step, so that a replay sees the same pictures.
/// Contrast and brightness are left alone: the network takes them out of each line by itself.
enum LineJitter {
    /// The line stretched, sheared, moved, sometimes blurred, and with some noise.
    static func changed(_ image: GrayImage, _ random: inout KeyedRandom) -> GrayImage {
        let map = Map(&random, height: image.height)
        var pixels = image.sampled { x, y in map.source(x, y) }
        if random.unit() < 0.3 { blur(&pixels, width: image.width, &random) }
        addNoise(&pixels, of: image, &random)
        return GrayImage(width: image.width, height: image.height, pixels: pixels.map(byte))
    }

    /// Where a pixel comes from: an affine map around the middle line.
    private struct Map {
        let (xx, xy, x0): (Float, Float, Float)
        let (yy, y0): (Float, Float)

        init(_ random: inout KeyedRandom, height: Int) {
            let middle = Float(height) / 2
            xx = 1 / uniform(0.94, 1.06, &random)
            xy = uniform(-0.08, 0.08, &random)
            x0 = uniform(-2, 2, &random) - xy * middle
            yy = 1 / uniform(0.93, 1.07, &random)
            y0 = uniform(-1.5, 1.5, &random) + middle * (1 - yy)
        }

        func source(_ x: Int, _ y: Int) -> (Float, Float) {
            (xx * Float(x) + xy * Float(y) + x0, yy * Float(y) + y0)
        }
    }

    /// Each pixel with parts of those left and right of it, then of those above and below.
    private static func blur(_ pixels: inout [Float], width: Int, _ random: inout KeyedRandom) {
        let side = uniform(0.05, 0.25, &random)
        let middle = 1 - 2 * side
        for step in [1, width] {
            let source = pixels
            for index in step..<(pixels.count - step) {
                pixels[index] =
                    middle * source[index] + side * (source[index - step] + source[index + step])
            }
        }
    }

    private static func addNoise(
        _ pixels: inout [Float],
        of image: GrayImage,
        _ random: inout KeyedRandom
    ) {
        var (sum, squares): (Float, Float) = (0, 0)
        for pixel in image.pixels {
            sum += Float(pixel)
            squares += Float(pixel) * Float(pixel)
        }
        let count = Float(pixels.count)
        let variance = max(0, squares / count - (sum / count) * (sum / count))
        let strength = uniform(0, 0.15, &random) * variance.squareRoot()
        // Four bytes of one number add up to something near enough to a bell: mean 510,
        // deviation 147.8.
        for index in pixels.indices {
            let bits = random.next()
            let total = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24 & 255)
            pixels[index] += strength * (Float(total) - 510) / 147.8
        }
    }

    private static func uniform(
        _ least: Float,
        _ most: Float,
        _ random: inout KeyedRandom
    ) -> Float {
        least + Float(random.unit()) * (most - least)
    }

    private static func byte(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }
}

extension GrayImage {
    /// The picture's values, between pixels interpolated, at the places that `source` names for
    /// each pixel; beyond an edge it goes on as at the edge.
    fileprivate func sampled(_ source: (Int, Int) -> (Float, Float)) -> [Float] {
        [Float](unsafeUninitializedCapacity: pixels.count) { target, count in
            pixels.withUnsafeBufferPointer { pixels in
                for y in 0..<height {
                    for x in 0..<width {
                        let (fromX, fromY) = source(x, y)
                        let (left, top) = (fromX.rounded(.down), fromY.rounded(.down))
                        let (partX, partY) = (fromX - left, fromY - top)
                        let (x0, y0) = (clamped(Int(left), width), clamped(Int(top), height))
                        let (x1, y1) = (
                            clamped(Int(left) + 1, width), clamped(Int(top) + 1, height)
                        )
                        let upper =
                            Float(pixels[y0 * width + x0]) * (1 - partX)
                            + Float(pixels[y0 * width + x1]) * partX
                        let lower =
                            Float(pixels[y1 * width + x0]) * (1 - partX)
                            + Float(pixels[y1 * width + x1]) * partX
                        target[y * width + x] = upper * (1 - partY) + lower * partY
                    }
                }
            }
            count = width * height
        }
    }

    private func clamped(_ value: Int, _ extent: Int) -> Int { min(max(value, 0), extent - 1) }
}
