internal import Learning

/// A text as it is printed: how much of each pixel is ink.
struct Ink {
    let width: Int
    let height: Int
    /// From 0 to 255, row by row, with an empty border of `border` pixels.
    private(set) var coverage: [UInt8]
    /// The middle of the text's capital letters.
    let middle: Point
    /// From the first letter's left edge to the last one's right.
    let textWidth: Double

    /// Empty pixels around the text, so that sampling beside it finds none.
    static let border = 2

    /// Sets letters in a row.
    ///
    /// - Parameters:
    ///   - glyphs: The letters.
    ///   - capitalHeight: How high capital letters are, in pixels.
    ///   - spacing: Between letters, beyond what the font has, in pixels.
    ///   - jitter: How far a letter may stand off its place, in pixels.
    ///   - random: Decides how far.
    init(
        _ glyphs: [Glyph],
        capitalHeight: Double,
        spacing: Double,
        jitter: Double = 0,
        _ random: inout KeyedRandom
    ) {
        let line = glyphs.map(\.top).max() ?? 0
        let depth = glyphs.map { $0.height - $0.top }.max() ?? 0
        let slack = Int(jitter.rounded(.up)) + Self.border
        var pen = Double(slack + max(0, -(glyphs.first?.left ?? 0)))
        var places: [(glyph: Glyph, x: Int, y: Int)] = []
        var (first, end) = (Int.max, 0)
        for glyph in glyphs {
            let (dx, dy) =
                jitter > 0
                ? (random.uniform(-jitter...jitter), random.uniform(-jitter...jitter)) : (0, 0)
            let x = max(Self.border, Int((pen + dx).rounded()) + glyph.left)
            let y = slack + line - glyph.top + Int(dy.rounded())
            if glyph.width > 0 {
                places.append((glyph, x, y))
                first = min(first, x)
                end = max(end, x + glyph.width)
            }
            pen += max(Double(glyph.advance) + spacing, 1)
        }
        width = max(end, 1) + Self.border
        height = max(1, line + depth) + 2 * slack
        coverage = [UInt8](repeating: 0, count: width * height)
        textWidth = Double(max(end - min(first, end), 1))
        middle = Point(
            Double(min(first, end)) + textWidth / 2,
            Double(slack + line) - capitalHeight / 2
        )
        for place in places { add(place.glyph, place.x, place.y) }
    }

    private mutating func add(_ glyph: Glyph, _ x: Int, _ y: Int) {
        for row in 0..<glyph.height {
            let start = (y + row) * width + x
            for column in 0..<glyph.width {
                let value = glyph.coverage[row * glyph.width + column]
                coverage[start + column] = max(coverage[start + column], value)
            }
        }
    }

    /// Prints without turning, the text's left edge and the middle of its capital letters at a
    /// place, cut at the canvas's edges.
    func print(on canvas: inout Canvas, left: Int, middleY: Int, brightness: Float, opacity: Float)
    {
        let x0 = left - Int((middle.x - textWidth / 2).rounded())
        let y0 = middleY - Int(middle.y.rounded())
        canvas.change(x0..<(x0 + width), y0..<(y0 + height)) { x, y, value in
            let share = Float(coverage[(y - y0) * width + x - x0]) * (opacity / 255)
            value += (brightness - value) * share
        }
    }
}

/// Where the ink of a line comes from: how the line was turned, stretched and bent.
struct LineWarp {
    /// The middle of the text in the result, in pixels.
    var middle: Point
    /// Pixels of the result for one of ink, along the line.
    var stretch = 1.0
    /// The turn, in radians, and how far letters lean, in parts of their height.
    var turn = 0.0
    var lean = 0.0
    /// How much higher letters are at the end than in the middle, in parts.
    var taper = 0.0
    /// How far the ends stand off the line through the middle, in pixels.
    var bend = 0.0
    /// A wave along the line: how far, in pixels, how often, in turns a pixel, and where it begins.
    var wave = 0.0
    var waveFrequency = 0.0
    var wavePhase = 0.0
}
