internal import Learning

/// How the cards of a template look before anything is printed on them: the same for all cards of a
/// series.
struct CardDesign {
    var paper: Float
    var waves: [Guilloche.Wave]
    /// How dark the band behind the title is; nil without one.
    var band: Float?
    var text: CardFont
    var mono: CardFont
    var label: CardFont
    var title: CardFont
    /// A large ornament in the ground: place in parts of the card, radius in parts of its height.
    var ornament: (x: Double, y: Double, radius: Double, strength: Float)
    /// Whether it is dark, with light print.
    var isDark: Bool

    /// How many designs a template has.
    static let seriesCount = 6

    init(_ template: CardTemplate, series: Int) {
        // FNV-1a of the name: designs do not depend on the seed of what is printed on them.
        let hash = template.name.utf8.reduce(14_695_981_039_346_656_037 as UInt64) {
            ($0 ^ UInt64($1)) &* 1_099_511_628_211
        }
        var random = KeyedRandom(seed: hash, purpose: 0x21, partition: 0, offset: Int64(series))
        isDark = series == Self.seriesCount - 1
        paper = isDark ? random.uniform(Float(45)...85) : random.uniform(Float(175)...236)
        waves = Guilloche.random(
            count: random.integer(2...3),
            strength: (isDark ? 0.28 : 0.11) * paper,
            scale: random.uniform(0.7...1.8),
            &random
        )
        band = random.chance(0.6) ? random.uniform(Float(30)...120) : nil
        text = random.pick(CardFont.sans + (random.chance(0.15) ? CardFont.serif : []))
        mono = random.pick(CardFont.mono)
        label = random.pick(CardFont.sans)
        title = random.pick(CardFont.sans + CardFont.serif)
        ornament = (
            random.uniform(0.3...0.8), random.uniform(0.3...0.7), random.uniform(0.2...0.42),
            random.uniform(Float(-22)...14)
        )
    }

    /// The empty card.
    func ground(width: Int, height: Int) -> Canvas {
        var canvas = Canvas(width: width, height: height, brightness: paper)
        Guilloche.add(waves, to: &canvas)
        let radius = Float(ornament.radius) * Float(height)
        let (x0, y0) = (Float(ornament.x) * Float(width), Float(ornament.y) * Float(height))
        let columns = Int(x0 - radius) - 2..<Int(x0 + radius) + 2
        let rows = Int(y0 - radius) - 2..<Int(y0 + radius) + 2
        canvas.change(columns, rows) { x, y, value in
            let (dx, dy) = (Float(x) - x0, Float(y) - y0)
            let distance = (dx * dx + dy * dy).squareRoot()
            // Rings, thinner to the outside.
            let ring = (distance * distance / radius * 0.35).truncatingRemainder(dividingBy: 2)
            if distance < radius && ring < 1 { value += ornament.strength }
        }
        return canvas
    }
}
