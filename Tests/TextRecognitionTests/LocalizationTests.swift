import Foundation
import Learning
import Testing

@testable import TextRecognition

/// Finding cards: areas, the losses of the two networks, edges, and the weights that come along.
struct LocalizationTests {
    private func square(_ x: Double, _ y: Double, _ side: Double) -> Quad {
        Quad(x: x, y: y, width: side, height: side)
    }

    @Test func `areas that quadrilaterals share are what geometry says`() {
        let one = square(0, 0, 10)
        #expect(one.area == 100)
        #expect(one.intersectionOverUnion(one) == 1)
        #expect(one.intersectionOverUnion(square(20, 0, 10)) == 0)
        #expect(abs(one.intersectionOverUnion(square(5, 0, 10)) - 1 / 3) < 1e-12)
        // A square that stands on a corner, inside: half the area.
        let turned = Quad([Point(5, 0), Point(10, 5), Point(5, 10), Point(0, 5)])
        #expect(abs(one.intersectionOverUnion(turned) - 0.5) < 1e-12)
        #expect(abs(turned.intersectionOverUnion(one) - 0.5) < 1e-12)
    }

    @Test func `quadrilaterals that are no card are not convex`() {
        #expect(square(0, 0, 1).isConvex)
        let crossed = Quad([Point(0, 0), Point(1, 1), Point(1, 0), Point(0, 1)])
        let dented = Quad([Point(0, 0), Point(4, 0), Point(1, 1), Point(0, 4)])
        let unknown = Quad([Point(.nan, 0), Point(1, 0), Point(1, 1), Point(0, 1)])
        for quad in [crossed, dented, unknown, square(0, 0, 1).mirrored] {
            #expect(!quad.isConvex)
            #expect(quad.intersectionOverUnion(square(0, 0, 1)) == 0)
        }
    }

    // MARK: Losses

    /// Checks that moving outputs along the gradient changes the loss as the gradient says.
    private func checkSlope(
        columns: Int,
        rows: Int,
        channels: Int,
        _ loss: (Planes) -> Double
    ) {
        let layout = PlaneLayout(widths: [columns], height: rows, channels: channels, border: 0)
        var random = KeyedRandom(key: 7)
        let values = (0..<layout.count).map { _ in Float(random.unit() * 2 - 1) }
        let buffer = FloatBuffer(count: layout.count)
        func result(_ step: Float, along gradient: [Float]) -> (Double, [Float]) {
            let planes = Planes(layout, in: buffer)
            for index in values.indices {
                planes.base[index] = values[index] + step * gradient[index]
            }
            let cost = loss(planes)
            return (cost, (0..<layout.count).map { planes.base[$0] })
        }
        var (_, gradient) = result(0, along: values)
        // Channels beyond the real ones are no outputs.
        for index in gradient.indices where index % layout.stride >= channels {
            gradient[index] = 0
        }
        defer { withExtendedLifetime(buffer) {} }
        let square = gradient.reduce(0) { $0 + Double($1 * $1) }
        #expect(square > 0)
        let step = Float(0.01 / square.squareRoot())
        let slope =
            (result(step, along: gradient).0 - result(-step, along: gradient).0)
            / (2 * Double(step))
        #expect(abs(slope / square - 1) < 0.01)
    }

    @Test func `the gradient of the detector's loss is its differences`() {
        let quads = [
            Quad(x: 10, y: 12, width: 60, height: 41), Quad(x: 90, y: 60, width: 55, height: 40),
        ]
        checkSlope(
            columns: CardDetector.columns,
            rows: CardDetector.rows,
            channels: CardDetector.outputs
        ) {
            CardDetector.loss($0, line: 0, quads: quads, weight: 0.5)
        }
    }

    @Test func `the gradient of the corner finder's loss is its differences`() {
        let quad = Quad([Point(20, 17), Point(139, 25), Point(150, 99), Point(9, 109)])
        checkSlope(columns: CornerFinder.columns, rows: CornerFinder.rows, channels: 4) {
            CornerFinder.loss($0, line: 0, quad: quad, weight: 0.5)
        }
    }

    @Test func `maps that peak at the corners give the corners`() {
        let quad = Quad([Point(22, 18), Point(138, 26), Point(150, 98), Point(14, 106)])
        let layout = PlaneLayout(
            widths: [CornerFinder.columns],
            height: CornerFinder.rows,
            channels: 4,
            border: 0
        )
        let buffer = FloatBuffer(count: layout.count)
        let planes = Planes(layout, in: buffer)
        for (index, corner) in quad.corners.enumerated() {
            for row in 0..<CornerFinder.rows {
                for column in 0..<CornerFinder.columns {
                    let dx = (Double(column) + 0.5) * CornerFinder.cell - corner.x
                    let dy = (Double(row) + 0.5) * CornerFinder.cell - corner.y
                    planes.row(0, row)[column * layout.stride + index] =
                        Float(-(dx * dx + dy * dy) / 40)
                }
            }
        }
        // The planes do not own their memory.
        let (found, certainty) = withExtendedLifetime(buffer) { CornerFinder.corners(planes) }
        for (mine, theirs) in zip(found.corners, quad.corners) {
            // The bell is sampled every four pixels.
            #expect(mine.distance(to: theirs) < 0.25)
        }
        #expect(certainty > 0.9)
    }

    // MARK: Edges

    /// A light card on a dark desk, each pixel with the share of it that the card covers.
    private func drawn(_ card: Quad, width: Int, height: Int) -> GrayImage {
        GrayImage(width: width, height: height) { pixels in
            for y in 0..<height {
                for x in 0..<width {
                    let pixel = square(Double(x), Double(y), 1)
                    let overlap = card.intersectionOverUnion(pixel)
                    let covered = overlap * (card.area + 1) / (1 + overlap)
                    pixels[y * width + x] = UInt8(70 + 130 * covered)
                }
            }
        }
    }

    @Test func `sides are moved to the edges`() {
        let card = Quad([
            Point(31.3, 22.8), Point(168.2, 29.6), Point(172.4, 118.1), Point(24.5, 110.7),
        ])
        let image = drawn(card, width: 200, height: 140)
        let rough = Quad([Point(34, 20), Point(165, 33), Point(175, 115), Point(27, 113)])
        let found = EdgeRefinement(reach: 6).refined(rough, in: image)
        for (mine, theirs) in zip(found.corners, card.corners) {
            #expect(mine.distance(to: theirs) < 0.35, "\(mine) beside \(theirs)")
        }
    }

    @Test func `where there is no edge a side stays where it is`() {
        let image = GrayImage(width: 200, height: 140, filledWith: 120)
        let quad = Quad([Point(34, 20), Point(165, 33), Point(175, 115), Point(27, 113)])
        let found = EdgeRefinement(reach: 6).refined(quad, in: image)
        for (mine, theirs) in zip(found.corners, quad.corners) {
            #expect(mine.distance(to: theirs) < 0.5)
        }
    }

    // MARK: The weights that come with Freshet

    /// Scenes that nothing was trained on: index 0 to 3 of the seed below.
    @Test func `cards of held-out scenes are found where they are`() throws {
        let locator = try CardLocator.base()
        let generator = try CardGenerator(seed: 424_242)
        var (overlaps, count) = (0.0, 0)
        for index in 0..<4 {
            let scene = generator.scene(at: index)
            let found = locator.cards(in: scene.image)
            #expect(found.count == scene.cards.count)
            for card in scene.cards {
                let best = found.map { $0.quad.intersectionOverUnion(card.quad) }.max() ?? 0
                #expect(best > 0.9, "scene \(index)")
                overlaps += best
                count += 1
            }
        }
        #expect(count >= 3)
        #expect(overlaps > 0.98 * Double(count))
    }

    @Test func `several cards are found one by one, and none where there is none`() throws {
        let locator = try CardLocator.base()
        let generator = try CardGenerator(seed: 424_242)
        for (index, count) in [(41, 0), (6, 2)] {
            let scene = generator.scene(at: index)
            try #require(scene.cards.count == count)
            let found = locator.cards(in: scene.image)
            #expect(found.count == count, "scene \(index)")
            for card in scene.cards {
                #expect(found.contains { $0.quad.intersectionOverUnion(card.quad) > 0.9 })
            }
        }
    }

    @Test func `pictures of any shape are looked at, and empty ones hold no card`() throws {
        let locator = try CardLocator.base()
        for (width, height) in [(1, 1), (1, 90), (300, 3), (128, 1), (640, 480), (90, 700)] {
            let empty = GrayImage(width: width, height: height, filledWith: 200)
            #expect(locator.cards(in: empty).isEmpty)
            var random = KeyedRandom(key: UInt64(width))
            let noise = GrayImage(width: width, height: height) { pixels in
                for index in pixels.indices { pixels[index] = UInt8(random.index(below: 256)) }
            }
            #expect(locator.cards(in: noise) == locator.cards(in: noise))
        }
    }

    @Test func `the same settings give the same weights, which a locator reads`() throws {
        var settings = LocatorPretraining.Settings()
        (settings.scenes, settings.detectorSteps, settings.cornerSteps) = (3, 1, 1)
        settings.batch = 2
        func run() throws -> [UInt8] {
            let pretraining = try LocatorPretraining(settings)
            while pretraining.stage != nil { _ = try pretraining.advance() }
            return pretraining.encoded.flatMap(\.self)
        }
        let bytes = try run()
        #expect(try run() == bytes)
        _ = try CardLocator(bytes: bytes)
        #expect(throws: LearningError.self) { try CardLocator(bytes: Array(bytes.dropLast(4))) }
    }

    @Test func `settings out of range are refused`() {
        for change in [
            { (settings: inout LocatorPretraining.Settings) in settings.scenes = 0 },
            { $0.batch = 0 }, { $0.detectorSteps = -1 }, { $0.cornerSteps = 0 },
            { $0.learningRate = .nan },
        ] {
            var settings = LocatorPretraining.Settings()
            change(&settings)
            #expect(throws: LearningError.self) { try LocatorPretraining(settings) }
        }
    }
}

extension Quad {
    fileprivate var mirrored: Quad { Quad(corners.reversed()) }
}
