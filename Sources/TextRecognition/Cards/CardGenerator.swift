import Foundation
internal import Learning

/// Photographs of cards on desks, made by chance from a seed, with all that is known of them.
///
/// A scene of a seed and an index is the same on one kind of machine with the same fonts, whatever
/// was asked before. Scenes may be asked for from several threads.
public struct CardGenerator: Sendable {
    private let scenario: CardScenario
    private let seed: UInt64
    private let templates: [CardTemplate]
    private let printer: CardPrinter

    /// Opens the fonts.
    ///
    /// - Parameters:
    ///   - scenario: What the cards and photographs look like.
    ///   - seed: Everything random follows from it.
    ///   - templates: The designs; at least one.
    /// - Throws: When a font is not installed, naming its Debian package.
    public init(
        scenario: CardScenario = .base,
        seed: UInt64,
        templates: [CardTemplate] = CardTemplate.builtIn
    ) throws(TextRecognitionError) {
        guard !templates.isEmpty else {
            throw TextRecognitionError(
                .setting,
                "there is no template",
                remedy: "name at least one, or use those that come with Freshet"
            )
        }
        self.scenario = scenario
        self.seed = seed
        self.templates = templates
        printer = CardPrinter(scenario: scenario, glyphs: try GlyphStore(CardFont.all))
    }

    /// The scene at an index, which is 0 or more.
    public func scene(at index: Int) -> CardScene {
        var random = KeyedRandom(seed: seed, .scene, index: index)
        let (width, height) = random.pick([(640, 480), (800, 600), (720, 540), (768, 512)])
        var canvas = Desk.draw(width: width, height: height, &random)
        var cards: [CardScene.Card] = []
        for place in places(width, height, &random) {
            let template = random.pick(templates)
            let texts = CardTexts(template, scenario, &random).texts
            let picture = printer.card(template, texts, &random)
            let pose = CardPose(aspect: template.aspect, within: place, &random)
            guard lay(picture, pose.quad, on: &canvas) else { continue }
            cards.append(Self.labels(template, texts, picture, pose.quad))
        }
        let camera = SceneCamera(scenario, &random)
        return CardScene(image: camera.photograph(canvas, &random), cards: cards)
    }

    /// Where cards lie: nowhere, in most of the picture, or in parts of it that do not overlap.
    func places(_ width: Int, _ height: Int, _ random: inout KeyedRandom) -> [Quad] {
        let (width, height) = (Double(width), Double(height))
        switch random.unit() {
        case ..<0.05: return []
        case ..<0.92: return [Quad(x: 0, y: 0, width: width, height: height)]
        case ..<0.97:
            return [
                Quad(x: 0, y: 0, width: width, height: height / 2),
                Quad(x: 0, y: height / 2, width: width, height: height / 2),
            ]
        default:
            return (0..<4).prefix(random.integer(3...4)).map { index in
                Quad(
                    x: Double(index % 2) * width / 2,
                    y: Double(index / 2) * height / 2,
                    width: width / 2,
                    height: height / 2
                )
            }
        }
    }

    private static func labels(
        _ template: CardTemplate,
        _ texts: [String],
        _ picture: GrayImage,
        _ quad: Quad
    ) -> CardScene.Card {
        let (width, height) = (Double(picture.width), Double(picture.height))
        let mapping = Homography(from: Quad(x: 0, y: 0, width: width, height: height), to: quad)
        return CardScene.Card(
            template: template.name,
            quad: quad,
            fields: zip(template.fields, texts).compactMap { field, text in
                mapping.map {
                    CardScene.Field(
                        name: field.name,
                        text: text,
                        box: field.box,
                        quad: $0(field.box.quad(width, height))
                    )
                }
            }
        )
    }

    /// Lays a card on the desk, with round corners and its shadow; false when it has no area.
    private func lay(_ card: GrayImage, _ quad: Quad, on canvas: inout Canvas) -> Bool {
        let (width, height) = (Double(card.width), Double(card.height))
        let whole = Quad(x: 0, y: 0, width: width, height: height)
        guard let onto = Homography(from: quad, to: whole) else { return false }
        // A card of 85.6 mm has corners of 3.18 mm (ISO/IEC 7810).
        let shape = RoundedRectangle(width: width, height: height, radius: 0.037 * width)
        let scale = quad.topLeft.distance(to: quad.topRight) / width
        let columns = Self.span(quad.corners.map(\.x), 14)
        let rows = Self.span(quad.corners.map(\.y), 14)
        card.pixels.withUnsafeBufferPointer { pixels in
            canvas.change(columns, rows) { x, y, value in
                let place = onto(Point(Double(x) + 0.5, Double(y) + 0.5))
                // How far inside the edge, in pixels of the photograph.
                let inside = Float(shape.depth(place) * scale)
                if inside < 1 {
                    // The shadow falls to the lower right.
                    let fallen = Float(
                        shape.depth(Point(place.x - 5 / scale, place.y - 6 / scale)) * scale
                    )
                    value *= 1 - 0.45 * min(max((fallen + 7) / 14, 0), 1)
                }
                guard inside > -0.5 else { return }
                let pixel = card.interpolated(pixels, Float(place.x), Float(place.y))
                value += (pixel - value) * min(1, inside + 0.5)
            }
        }
        return true
    }

    private static func span(_ numbers: [Double], _ room: Double) -> Range<Int> {
        let low = (numbers.min() ?? 0) - room
        let high = (numbers.max() ?? 0) + room
        return Int(low.rounded(.down))..<Int(high.rounded(.up))
    }
}

/// A rectangle whose corners are quarters of circles.
private struct RoundedRectangle {
    let width: Double
    let height: Double
    let radius: Double

    /// How far a point is inside of the edge; negative outside.
    @inline(__always)
    func depth(_ point: Point) -> Double {
        let dx = abs(point.x - width / 2) - width / 2 + radius
        let dy = abs(point.y - height / 2) - height / 2 + radius
        if dx > 0 && dy > 0 { return radius - (dx * dx + dy * dy).squareRoot() }
        return radius - max(dx, dy)
    }
}

extension GrayImage {
    /// The brightness at a place, between the four nearest pixels; the edges go on beyond.
    @inline(__always)
    func interpolated(_ pixels: UnsafeBufferPointer<UInt8>, _ x: Float, _ y: Float) -> Float {
        let u = min(max(x - 0.5, 0), Float(width - 1))
        let v = min(max(y - 0.5, 0), Float(height - 1))
        let (left, top) = (Int(u), Int(v))
        let (p, q) = (u - Float(left), v - Float(top))
        let here = top * width + left
        let next = left + 1 < width ? here + 1 : here
        let below = top + 1 < height ? width : 0
        let upper = Float(pixels[here]) * (1 - p) + Float(pixels[next]) * p
        let lower = Float(pixels[here + below]) * (1 - p) + Float(pixels[next + below]) * p
        return upper * (1 - q) + lower * q
    }
}
