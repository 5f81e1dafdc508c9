internal import Learning

/// Lines of text as they are cut out of photographs of cards, made by chance from a seed.
///
/// A line of a seed and an index is the same on one kind of machine with the same fonts, whatever
/// was asked before. Lines may be asked for from several threads.
public struct LineGenerator: LineSource {
    private let scenario: CardScenario
    private let seed: UInt64
    private let texts: LineTexts
    private let glyphs: GlyphStore

    /// Opens the fonts.
    ///
    /// - Throws: When one is not installed, naming its Debian package.
    public init(
        scenario: CardScenario = .base,
        seed: UInt64
    ) throws(TextRecognitionError) {
        self.scenario = scenario
        self.seed = seed
        texts = LineTexts(scenario)
        glyphs = try GlyphStore(CardFont.all)
    }

    /// The line at an index: `field` says what kind of text it is, `template` the scenario.
    public func line(at index: Int) -> LabeledLine {
        var random = KeyedRandom(seed: seed, .line, index: index)
        let (text, field) = texts.draw(&random)
        var look = LineLook(scenario, field, &random)
        let ink = Ink(
            glyphs.glyphs(Array(text.utf8), look.font, capitalHeight: look.capitalHeight),
            capitalHeight: look.capitalHeight,
            spacing: look.spacing * look.capitalHeight,
            jitter: random.chance(0.15) ? random.uniform(0.3...0.9) : 0,
            &random
        )
        let size = place(ink, &look, &random)
        var canvas = paper(look, size, &random)
        addNeighbours(look, to: &canvas, &random)
        addInk(ink.warped(look.warp, width: size.width, height: size.height), look, to: &canvas)
        if random.chance(scenario == .inversePrint ? 0.35 : 0.1) {
            addStamp(look, to: &canvas, &random)
        }
        let camera = LineCamera(
            scenario,
            capitalHeight: look.capitalHeight,
            printed: abs(look.paper - look.ink) * look.opacity,
            &random
        )
        return LabeledLine(
            image: camera.photograph(canvas, &random),
            text: text,
            template: scenario.rawValue,
            field: field.rawValue
        )
    }

    /// How large the picture is, with the text in the middle of its free space.
    private func place(
        _ ink: Ink,
        _ look: inout LineLook,
        _ random: inout KeyedRandom
    ) -> (width: Int, height: Int) {
        let capital = look.capitalHeight
        let textWidth = ink.textWidth * look.warp.stretch
        // Turned, bent and waving lines need more room above and below.
        let sway =
            abs(look.warp.turn) * textWidth / 2 + abs(look.warp.bend) + look.warp.wave
            + abs(look.warp.taper) * capital / 2
        let (above, below) = (look.slack.above * capital + sway, look.slack.below * capital + sway)
        let (left, right) = (look.slack.left * capital, look.slack.right * capital)
        look.warp.middle = Point(left + textWidth / 2, above + capital / 2)
        return (
            max(8, Int((left + textWidth + right).rounded())),
            max(8, Int((above + capital + below).rounded()))
        )
    }

    private func paper(
        _ look: LineLook,
        _ size: (width: Int, height: Int),
        _ random: inout KeyedRandom
    ) -> Canvas {
        var canvas = Canvas(width: size.width, height: size.height, brightness: look.paper)
        if look.waves > 0 {
            let waves = Guilloche.random(
                count: look.waves,
                strength: look.waveStrength,
                scale: look.capitalHeight / 20,
                &random
            )
            Guilloche.add(waves, to: &canvas)
        }
        if random.chance(0.35) {
            let deviation = Double(abs(look.paper - look.ink)) * random.uniform(0.02...0.12)
            canvas.addSpots(size: random.uniform(4...40), deviation: deviation, &random)
        }
        return canvas
    }

    /// What else stands on a card near a field: a label above, a line of text below, rules.
    private func addNeighbours(
        _ look: LineLook,
        to canvas: inout Canvas,
        _ random: inout KeyedRandom
    ) {
        let capital = look.capitalHeight
        if random.chance(0.25) {
            let height = capital * random.uniform(0.45...0.9)
            let text = Array(random.pick(Self.labels).utf8)
            let small = Ink(
                glyphs.glyphs(text, random.pick(CardFont.sans), capitalHeight: height),
                capitalHeight: height,
                spacing: 0,
                &random
            )
            let isAbove = random.chance(0.6)
            // As near as a line may come; most of it is cut off.
            let distance = capital * 0.72 + height * random.uniform(0.6...0.9)
            small.print(
                on: &canvas,
                left: random.integer(-10...max(0, canvas.width / 2)),
                middleY: Int(look.warp.middle.y + (isAbove ? -distance : distance)),
                brightness: look.ink,
                opacity: look.opacity * Float(random.uniform(0.5...1))
            )
        }
        if random.chance(0.18) {
            let distance = capital * random.uniform(0.7...1.1) * (random.chance(0.5) ? 1 : -1)
            let top = Int(look.warp.middle.y + distance)
            let slope = random.uniform(Float(-0.012)...0.012)
            let share = random.uniform(Float(0.3)...0.9)
            let thickness = Float(random.integer(1...2))
            canvas.change(0..<canvas.width, top - 3..<top + 6) { x, y, value in
                let depth = Float(y - top) - slope * Float(x)
                if depth >= 0 && depth < thickness { value += (look.ink - value) * share }
            }
        }
    }

    private func addInk(_ shares: [Float], _ look: LineLook, to canvas: inout Canvas) {
        let width = canvas.width
        shares.withUnsafeBufferPointer { shares in
            canvas.values.withUnsafeMutableBufferPointer { values in
                if look.emboss > 0 {
                    // Light from the upper left: edges that face it shine, the others are dark.
                    for index in (width + 1)..<(values.count - width - 1) {
                        let slope = shares[index + width + 1] - shares[index - width - 1]
                        values[index] += slope * look.emboss * 90
                    }
                }
                for index in values.indices {
                    values[index] += (look.ink - values[index]) * shares[index] * look.opacity
                }
            }
        }
    }

    /// A ring of a stamp over the line, and sometimes a bar across it.
    private func addStamp(
        _ look: LineLook,
        to canvas: inout Canvas,
        _ random: inout KeyedRandom
    ) {
        let (width, height) = (Float(canvas.width), Float(canvas.height))
        let x = random.uniform(0...width)
        let y = random.uniform(-0.5 * height...1.5 * height)
        let radius = random.uniform(0.5 * height...2 * height)
        let thickness = random.uniform(Float(1.2)...3.5)
        let strength = 0.35 * abs(look.paper - look.ink) * (look.paper > look.ink ? -1 : 1)
        canvas.change(0..<canvas.width, 0..<canvas.height) { column, row, value in
            let (dx, dy) = (Float(column) - x, Float(row) - y)
            let distance = abs((dx * dx + dy * dy).squareRoot() - radius)
            if distance < thickness { value += strength * min(1, thickness - distance) }
        }
    }

    private static let labels = [
        "Document No.", "Date of birth", "Surname", "Given names", "Nationality", "Valid until",
        "Personal number", "Name", "Sex", "Issued by", "Card no.", "12.04.1987", "AB 123456",
        "REPUBLIC", "Signature of holder",
    ]
}
