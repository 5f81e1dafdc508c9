internal import Learning

/// How a line is printed: all that is drawn by chance before a pixel is.
struct LineLook {
    var font: CardFont
    /// The height of capital letters in pixels, before the camera takes the picture.
    var capitalHeight: Double
    /// Between letters, in parts of that height.
    var spacing: Double
    var paper: Float
    var ink: Float
    /// How much of the ink covers.
    var opacity: Float
    /// How far a shadow and a light beside the letters stand out; 0 for flat print.
    var emboss: Float
    var waves: Int
    var waveStrength: Float
    var warp: LineWarp
    /// Free space beside the text, in parts of the capitals' height: left, right, above, below.
    var slack: (left: Double, right: Double, above: Double, below: Double)

    init(_ scenario: CardScenario, _ field: LineTexts.Field, _ random: inout KeyedRandom) {
        font = Self.font(scenario, field, &random)
        capitalHeight = random.uniform(12.0...26)
        spacing =
            random.chance(0.2) ? random.uniform(0.1...0.45) : random.uniform(-0.03...0.12)
        let isEmbossed = scenario == .inversePrint
        if isEmbossed || random.chance(0.12) {
            paper = random.uniform(Float(15)...95)
            ink = random.uniform(max(150, paper + 90)...255)
        } else {
            paper = random.uniform(Float(125)...252)
            // A bad camera hides pale print wholly.
            let least: Float = scenario == .worseCamera ? 105 : 75
            ink = random.uniform(Float(0)...min(120, paper - least))
        }
        opacity = random.uniform(Float(0.72)...1)
        emboss = isEmbossed ? random.uniform(Float(0.35)...0.9) : 0
        waves = random.chance(0.7) ? random.integer(1...3) : 0
        // A wave is at most a third as strong as the print.
        waveStrength = abs(paper - ink) * random.uniform(Float(0.05)...0.33)
        if isEmbossed { waves = 3 }
        warp = Self.warp(&random)
        let side = 0.15...1.3
        slack = (
            random.uniform(side), random.uniform(side), random.uniform(0.18...0.75),
            random.uniform(0.18...0.75)
        )
    }

    private static func font(
        _ scenario: CardScenario,
        _ field: LineTexts.Field,
        _ random: inout KeyedRandom
    ) -> CardFont {
        if scenario == .newFont { return CardFont.unseen }
        if field == .zone {
            return random.chance(0.6) ? CardFont.machineReadable : random.pick(CardFont.mono)
        }
        switch random.unit() {
        case ..<0.48: return random.pick(CardFont.sans)
        case ..<0.84: return random.pick(CardFont.mono)
        case ..<0.92: return random.pick(CardFont.serif)
        default: return CardFont.machineReadable
        }
    }

    private static func warp(_ random: inout KeyedRandom) -> LineWarp {
        LineWarp(
            middle: Point(0, 0),
            stretch: random.chance(0.3) ? random.uniform(0.74...1.35) : random.uniform(0.9...1.12),
            turn: 0.012 * max(-2.5, min(2.5, random.normal())),
            lean: random.chance(0.25)
                ? random.uniform(-0.1...0.28) : 0.04 * max(-2.5, min(2.5, random.normal())),
            taper: random.uniform(-0.07...0.07),
            bend: random.chance(0.3) ? random.uniform(-2.0...2) : 0,
            wave: random.chance(0.25) ? random.uniform(0.3...1.1) : 0,
            waveFrequency: random.uniform(0.004...0.02),
            wavePhase: random.unit()
        )
    }
}
