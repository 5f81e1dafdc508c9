internal import Learning

/// What becomes of a scene on its way into a file.
struct SceneCamera {
    private let isBad: Bool

    init(_ scenario: CardScenario, _ random: inout KeyedRandom) {
        isBad = scenario == .worseCamera
    }

    func photograph(_ scene: Canvas, _ random: inout KeyedRandom) -> GrayImage {
        var canvas = scene
        let swing: Float = isBad ? 0.35 : 0.18
        canvas.light(right: random.uniform(-swing...swing), down: random.uniform(-swing...swing))
        for _ in 0..<(random.chance(isBad ? 0.5 : 0.25) ? random.integer(1...2) : 0) {
            let size = Float(canvas.width)
            canvas.glare(
                x: random.uniform(0...size),
                y: random.uniform(0...Float(canvas.height)),
                radiusX: size * random.uniform(Float(0.04)...0.14),
                radiusY: size * random.uniform(Float(0.02)...0.1),
                strength: random.uniform(Float(40)...110)
            )
        }
        canvas.blur(isBad ? random.uniform(0.8...1.5) : random.uniform(0.3...0.95))
        if random.chance(isBad ? 0.4 : 0.08) {
            canvas.smear(along: isBad ? 3 : random.integer(2...3), isAlongRow: random.chance(0.7))
        }
        if isBad || random.chance(0.25) {
            let low = random.uniform(Float(0)...45)
            canvas.compress(to: low...random.uniform(low + 130...255))
        }
        let noise = isBad ? random.uniform(Float(4)...10) : random.uniform(Float(0.6)...5)
        canvas.addNoise(noise, &random)
        let image = canvas.image
        let quality = isBad ? random.integer(18...45) : random.integer(50...95)
        do throws(TextRecognitionError) {
            return try GrayImage(decoding: image.jpeg(quality: quality))
        } catch {
            // It was written a moment ago, and is smaller than any limit.
            preconditionFailure("\(error)")
        }
    }
}
