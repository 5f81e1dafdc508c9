import Foundation
internal import Learning

/// Prints cards: design, photograph, labels, texts, stamp, signature.
struct CardPrinter: Sendable {
    let scenario: CardScenario
    let glyphs: GlyphStore

    /// The width of a card in pixels: more than any photograph shows of it.
    static let width = 720

    /// Prints one card, seen from the front.
    func card(
        _ template: CardTemplate,
        _ texts: [String],
        _ random: inout KeyedRandom
    ) -> GrayImage {
        let design = CardDesign(template, series: random.index(below: CardDesign.seriesCount))
        let height = Int((Double(Self.width) / template.aspect).rounded())
        var canvas = design.ground(width: Self.width, height: height)
        addTitle(template, design, to: &canvas)
        if let photo = template.photo {
            let (columns, rows) = photo.pixels(canvas.width, canvas.height)
            Portrait.draw(on: &canvas, columns, rows, &random)
        }
        // What is printed later never fits what was printed before to the pixel.
        let shift = (x: random.integer(-3...3), y: random.integer(-2...2))
        let ink = design.isDark ? random.uniform(Float(195)...250) : random.uniform(Float(8)...60)
        for (field, text) in zip(template.fields, texts) {
            print(field, text, design, ink, shift, on: &canvas, &random)
        }
        if random.chance(scenario == .inversePrint ? 0.7 : 0.4) { addStamp(to: &canvas, &random) }
        if Self.hasRoomForSignature(template), random.chance(0.7) {
            addSignature(design, to: &canvas, &random)
        }
        canvas.light(right: random.uniform(-0.05...0.05), down: random.uniform(-0.05...0.05))
        return canvas.image
    }

    private func addTitle(_ template: CardTemplate, _ design: CardDesign, to canvas: inout Canvas) {
        let bandHeight = canvas.height * 14 / 100
        if let band = design.band {
            canvas.change(0..<canvas.width, 0..<bandHeight) { _, _, value in
                value = band + (value - design.paper) * 0.6
            }
        }
        let ground = design.band ?? design.paper
        let ink: Float = ground < 130 ? 235 : 25
        let lineHeight = bandHeight / max(1, template.title.count)
        for (index, line) in template.title.enumerated() {
            draw(
                line,
                design.title,
                capitalHeight: Double(lineHeight) * (index == 0 ? 0.5 : 0.4),
                at: (canvas.width * 45 / 1000, lineHeight * (2 * index + 1) / 2 + 2),
                ink,
                0.9,
                on: &canvas
            )
        }
    }

    private func print(
        _ field: CardTemplate.Field,
        _ text: String,
        _ design: CardDesign,
        _ ink: Float,
        _ shift: (x: Int, y: Int),
        on canvas: inout Canvas,
        _ random: inout KeyedRandom
    ) {
        let (columns, rows) = field.box.pixels(canvas.width, canvas.height)
        if let label = field.label {
            let height = Double(canvas.height) * 0.021
            let place =
                field.isLabelBeside
                ? (
                    columns.lowerBound - canvas.width * 6 / 100,
                    (rows.lowerBound + rows.upperBound) / 2
                )
                : (columns.lowerBound, rows.lowerBound - Int(height * 0.75))
            draw(label, design.label, capitalHeight: height, at: place, ink, 0.75, on: &canvas)
        }
        let letters = fitted(field, text, design, columns, rows, &random)
        let left = columns.lowerBound + 4 + shift.x
        let middle = (rows.lowerBound + rows.upperBound) / 2 + shift.y
        if scenario == .inversePrint {
            printInverse(letters, columns, rows, left, middle, on: &canvas, &random)
        } else {
            letters.print(
                on: &canvas,
                left: left,
                middleY: middle,
                brightness: ink,
                opacity: random.uniform(Float(0.8)...0.97)
            )
        }
    }

    /// The letters of a field, smaller where they would not fit into it.
    private func fitted(
        _ field: CardTemplate.Field,
        _ text: String,
        _ design: CardDesign,
        _ columns: Range<Int>,
        _ rows: Range<Int>,
        _ random: inout KeyedRandom
    ) -> Ink {
        let font = font(field, design)
        let room = Double(columns.count - 8)
        var height = Double(rows.count) * 0.6
        // Pen widths are not exactly in proportion to the height: the second time it fits.
        for _ in 0..<3 {
            let letters = glyphs.glyphs(Array(text.utf8), font, capitalHeight: height)
            let width = Double(letters.reduce(0) { $0 + $1.advance })
            if width > room {
                height *= 0.98 * room / width
                continue
            }
            // Lines for machines fill their place.
            let gaps = Double(max(1, letters.count - 1))
            let spacing = field.font == .machine ? min((room - width) / gaps, height * 0.4) : 0
            return Ink(letters, capitalHeight: height, spacing: spacing, &random)
        }
        let letters = glyphs.glyphs(Array(text.utf8), font, capitalHeight: height * 0.9)
        return Ink(letters, capitalHeight: height * 0.9, spacing: 0, &random)
    }

    private func font(_ field: CardTemplate.Field, _ design: CardDesign) -> CardFont {
        if scenario == .newFont { return CardFont.unseen }
        return switch field.font {
        case .text: design.text
        case .mono: design.mono
        case .machine: CardFont.machineReadable
        }
    }

    /// Light, embossed letters on a dark band.
    private func printInverse(
        _ letters: Ink,
        _ columns: Range<Int>,
        _ rows: Range<Int>,
        _ left: Int,
        _ middle: Int,
        on canvas: inout Canvas,
        _ random: inout KeyedRandom
    ) {
        let band = random.uniform(Float(20)...70)
        canvas.change(columns, rows) { _, _, value in value = band + (value - 150) * 0.25 }
        let light = random.uniform(Float(190)...250)
        // A shadow to the lower right, then the letters.
        letters.print(on: &canvas, left: left + 1, middleY: middle + 1, brightness: 0, opacity: 0.8)
        letters.print(on: &canvas, left: left, middleY: middle, brightness: light, opacity: 0.95)
    }

    private func draw(
        _ text: String,
        _ font: CardFont,
        capitalHeight: Double,
        at place: (x: Int, y: Int),
        _ ink: Float,
        _ opacity: Float,
        on canvas: inout Canvas
    ) {
        // Nothing stands off its place: what the generator would draw is not asked.
        var unused = KeyedRandom(key: 0)
        let letters = Ink(
            glyphs.glyphs(Array(text.utf8), font, capitalHeight: capitalHeight),
            capitalHeight: capitalHeight,
            spacing: 0,
            &unused
        )
        letters.print(
            on: &canvas,
            left: place.x,
            middleY: place.y,
            brightness: ink,
            opacity: opacity
        )
    }

    /// Two rings with a day between them, turned, through which one sees what is below.
    private func addStamp(to canvas: inout Canvas, _ random: inout KeyedRandom) {
        let radius = Double(canvas.height) * random.uniform(0.11...0.2)
        let x = Double(canvas.width) * random.uniform(0.15...0.9)
        let y = Double(canvas.height) * random.uniform(0.3...0.85)
        let strength = random.uniform(Float(-75)...(-30))
        let thickness = random.uniform(Float(2)...4.5)
        let side = Int(2 * radius) + 8
        let (left, top) = (Int(x - radius) - 4, Int(y - radius) - 4)
        let height = radius * 0.24
        let text = Array(Holder(&random).expiry.text(3).utf8)
        let letters = Ink(
            glyphs.glyphs(text, CardFont.sans[1], capitalHeight: height),
            capitalHeight: height,
            spacing: 0,
            &random
        )
        let warp = LineWarp(
            middle: Point(Double(side) / 2, Double(side) / 2),
            stretch: min(1, 1.5 * radius / letters.textWidth),
            turn: random.uniform(-0.5...0.5)
        )
        let shares = letters.warped(warp, width: side, height: side)
        canvas.change(left..<left + side, top..<top + side) { column, row, value in
            let (dx, dy) = (Float(Double(column) - x), Float(Double(row) - y))
            let distance = (dx * dx + dy * dy).squareRoot()
            let outer = thickness - abs(distance - Float(radius))
            let inner = thickness * 0.6 - abs(distance - Float(radius * 0.8))
            let ring = min(max(outer, inner, 0), 1)
            let share = max(ring, shares[(row - top) * side + column - left])
            value += strength * share
        }
    }

    /// Whether nothing else is where a signature goes.
    private static func hasRoomForSignature(_ template: CardTemplate) -> Bool {
        let boxes = template.fields.map(\.box) + [template.photo].compactMap(\.self)
        return boxes.allSatisfy { box in
            let (right, bottom) = (box.x + box.width, box.y + box.height)
            return right < 0.72 || box.y > 0.8 || bottom < 0.63
        }
    }

    /// A line as a hand draws it, at the lower right.
    private func addSignature(
        _ design: CardDesign,
        to canvas: inout Canvas,
        _ random: inout KeyedRandom
    ) {
        let length = Double(canvas.width) * random.uniform(0.14...0.22)
        let left = Double(canvas.width) * 0.74
        let middle = Double(canvas.height) * random.uniform(0.68...0.74)
        let size = Double(canvas.height) * 0.022
        let turns = (0..<3).map { _ in
            (random.uniform(3.0...14), random.unit(), random.uniform(0.3...1))
        }
        let ink: Float = design.isDark ? 210 : 45
        for step in 0..<500 {
            let along = Double(step) / 500
            let height = turns.reduce(0.0) { $0 + $1.2 * sin(2 * .pi * ($1.0 * along + $1.1)) }
            let back = 0.03 * sin(2 * .pi * (turns[0].0 * along + 0.2))
            let x = Int(left + length * (along + back))
            let y = Int(middle + size * height * (1 - 0.5 * along))
            canvas.change(x..<x + 2, y..<y + 2) { _, _, value in value += (ink - value) * 0.6 }
        }
    }
}

extension CardTemplate.Box {
    /// The pixels on a card of a size.
    func pixels(_ cardWidth: Int, _ cardHeight: Int) -> (columns: Range<Int>, rows: Range<Int>) {
        let (left, top) = (Int(x * Double(cardWidth)), Int(y * Double(cardHeight)))
        return (
            left..<left + max(1, Int(width * Double(cardWidth))),
            top..<top + max(1, Int(height * Double(cardHeight)))
        )
    }
}
