import Foundation
internal import Learning

/// What cards lie on.
enum Desk {
    /// A desk of wood, cloth or one colour, sometimes with sheets of paper and pens on it.
    static func draw(width: Int, height: Int, _ random: inout KeyedRandom) -> Canvas {
        var canvas = Canvas(
            width: width,
            height: height,
            brightness: random.uniform(Float(35)...215)
        )
        switch random.index(below: 4) {
        case 0: addWood(to: &canvas, &random)
        case 1: addCloth(to: &canvas, &random)
        default: break
        }
        canvas.addSpots(size: random.uniform(40...200), deviation: random.uniform(2...9), &random)
        for _ in 0..<random.integer(0...3) where random.chance(0.6) {
            addSheet(to: &canvas, &random)
        }
        if random.chance(0.3) { addPen(to: &canvas, &random) }
        canvas.light(right: random.uniform(-0.25...0.25), down: random.uniform(-0.25...0.25))
        return canvas
    }

    /// Grain: waves close together along one direction, and softer ones across.
    private static func addWood(to canvas: inout Canvas, _ random: inout KeyedRandom) {
        let isAcross = random.chance(0.7)
        let waves = (0..<4).map { index in
            let frequency = random.uniform(0.01...0.09) * (index == 0 ? 0.4 : 1)
            let slow = random.uniform(0.0006...0.003)
            return Guilloche.Wave(
                strength: random.uniform(Float(-22)...(-5)),
                right: isAcross ? 0.0007 : frequency,
                down: isAcross ? frequency : 0.0007,
                swing: random.uniform(0.2...0.8),
                swingRight: slow,
                swingDown: slow * random.uniform(0.5...2),
                phase: random.unit(),
                profile: random.chance(0.6) ? .sine : .line
            )
        }
        Guilloche.add(waves, to: &canvas)
    }

    /// Threads: two waves at a right angle.
    private static func addCloth(to canvas: inout Canvas, _ random: inout KeyedRandom) {
        let angle = random.uniform(0...1.5)
        let frequency = 1 / random.uniform(3.0...12)
        let strength = random.uniform(Float(6)...26)
        let waves = [angle, angle + Double.pi / 2].map { angle in
            Guilloche.Wave(
                strength: -strength,
                right: frequency * cos(angle),
                down: frequency * sin(angle),
                swing: random.uniform(0...0.4),
                swingRight: 0.003,
                swingDown: 0.002,
                phase: random.unit(),
                profile: .sine
            )
        }
        Guilloche.add(waves, to: &canvas)
    }

    /// A sheet of paper that reaches beyond the picture, with lines of what may be writing.
    private static func addSheet(to canvas: inout Canvas, _ random: inout KeyedRandom) {
        let size = Double(canvas.width)
        let angle = random.uniform(-0.7...0.7)
        let (x0, y0) = (random.uniform(-0.3...1.1) * size, random.uniform(-0.3...0.9) * size)
        let (width, height) = (random.uniform(0.2...0.8) * size, random.uniform(0.2...0.9) * size)
        let paper = random.uniform(Float(120)...250)
        let writing = random.chance(0.5) ? random.uniform(Float(10)...70) : 0
        let spacing = random.uniform(Float(9)...22)
        let (cosine, sine) = (Float(cos(angle)), Float(sin(angle)))
        let columns = canvas.width
        canvas.change(0..<columns, 0..<canvas.height) { x, y, value in
            let (dx, dy) = (Float(x) - Float(x0), Float(y) - Float(y0))
            let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine)
            guard u > 0, v > 0, u < Float(width), v < Float(height) else { return }
            value = paper
            let row = v / spacing
            // Dashes of words, of another length in every row.
            let isLine = row - row.rounded(.down) < 0.35 && u > 12 && u < Float(width) - 12
            let word = sin(u * 0.21 + row.rounded(.down) * 7.3) + sin(u * 0.083)
            if isLine && word > -0.6 { value -= writing }
        }
    }

    /// A dark bar with a light edge.
    private static func addPen(to canvas: inout Canvas, _ random: inout KeyedRandom) {
        let angle = random.uniform(0...3.1)
        let x0 = random.unit() * Double(canvas.width)
        let y0 = random.unit() * Double(canvas.height)
        let length = random.uniform(120.0...320)
        let half = random.uniform(Float(5)...9)
        let gray = random.uniform(Float(15)...90)
        let (cosine, sine) = (Float(cos(angle)), Float(sin(angle)))
        canvas.change(0..<canvas.width, 0..<canvas.height) { x, y, value in
            let (dx, dy) = (Float(x) - Float(x0), Float(y) - Float(y0))
            let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine)
            guard abs(u) < Float(length) / 2, abs(v) < half else { return }
            value = gray + (v < -half * 0.3 && v > -half * 0.6 ? 90 : 0)
        }
    }
}
