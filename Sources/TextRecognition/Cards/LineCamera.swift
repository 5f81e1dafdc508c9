internal import Learning

/// What becomes of a printed line on its way into a file: light, lens, hand, sensor, compression.
struct LineCamera {
    private let isBad: Bool
    /// Pixels of the file for one that was printed.
    private let scale: Double
    private let blur: Double
    private let smear: Int
    private let noise: Float
    /// libjpeg's quality; nil for what was never compressed.
    private let quality: Int?
    private let contrast: ClosedRange<Float>
    private let light: (right: Float, down: Float)

    /// Draws what happens to a line of a height whose paper and ink are `printed` apart.
    init(
        _ scenario: CardScenario,
        capitalHeight: Double,
        printed: Float,
        _ random: inout KeyedRandom
    ) {
        isBad = scenario == .worseCamera
        // Capital letters of 10 pixels are read well, of 6 with pains.
        let smallest = isBad ? random.uniform(9.0...11.5) : 10
        if isBad {
            scale = min(1, smallest / capitalHeight)
        } else if random.chance(0.4) {
            scale = random.uniform(min(1, smallest / capitalHeight)...1)
        } else {
            scale = 1
        }
        let seen = capitalHeight * scale
        blur = seen * (isBad ? random.uniform(0.04...0.075) : random.uniform(0...0.08))
        let isSmeared = random.chance(isBad ? 0.5 : 0.12)
        smear = isSmeared ? Int((seen * random.uniform(0.08...0.2)).rounded()) : 1
        if random.chance(isBad ? 0.9 : 0.55) {
            quality = isBad ? random.integer(30...55) : random.integer(35...95)
        } else {
            quality = nil
        }
        if isBad || random.chance(0.25) {
            let low = random.uniform(Float(0)...70)
            contrast = low...random.uniform(low + 160...255)
        } else {
            contrast = 0...255
        }
        // Letters that stand out by less than a few deviations of the noise are read by nobody.
        let seenContrast = printed * (contrast.upperBound - contrast.lowerBound) / 255
        noise = seenContrast * (isBad ? random.uniform(0.03...0.08) : random.uniform(0...0.06))
        let swing: Float = isBad ? 0.3 : 0.15
        light = (random.uniform(-swing...swing), random.uniform(-swing...swing))
    }

    func photograph(_ canvas: Canvas, _ random: inout KeyedRandom) -> GrayImage {
        var canvas = canvas
        canvas.light(right: light.right, down: light.down)
        if random.chance(isBad ? 0.3 : 0.08) { addGlare(to: &canvas, &random) }
        if scale < 0.98 {
            canvas = Canvas(
                canvas.image.resized(
                    width: max(8, Int(Double(canvas.width) * scale)),
                    height: max(8, Int(Double(canvas.height) * scale))
                )
            )
        }
        canvas.blur(blur)
        canvas.smear(along: smear, isAlongRow: random.chance(0.7))
        if contrast != 0...255 { canvas.compress(to: contrast) }
        if noise > 0.5 { canvas.addNoise(noise, &random) }
        let image = canvas.image
        guard let quality else { return image }
        do throws(TextRecognitionError) {
            return try GrayImage(decoding: image.jpeg(quality: quality))
        } catch {
            // It was written a moment ago, and is far smaller than any limit.
            preconditionFailure("\(error)")
        }
    }

    /// Light that the card throws back; it never hides the print wholly.
    private func addGlare(to canvas: inout Canvas, _ random: inout KeyedRandom) {
        canvas.glare(
            x: random.uniform(0...Float(canvas.width)),
            y: random.uniform(0...Float(canvas.height)),
            radiusX: Float(canvas.height) * random.uniform(Float(0.6)...3),
            radiusY: Float(canvas.height) * random.uniform(Float(0.3)...0.9),
            strength: random.uniform(Float(30)...90)
        )
    }
}
