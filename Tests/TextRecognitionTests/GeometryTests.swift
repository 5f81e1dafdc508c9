import Testing

@testable import TextRecognition

@Suite struct GeometryTests {
    @Test func `a picture of one colour stays so in every size`() {
        let image = GrayImage(width: 13, height: 7, filledWith: 201)
        for (width, height) in [(1, 1), (5, 20), (40, 3), (13, 8), (26, 14)] {
            let resized = image.resized(width: width, height: height)
            #expect(resized == GrayImage(width: width, height: height, filledWith: 201))
        }
    }

    @Test func `a pixel of a smaller picture is the mean of what it covers`() {
        let image = GrayImage(
            width: 6,
            height: 2,
            pixels: [10, 20, 30, 40, 0, 255, 30, 40, 50, 60, 4, 5]
        )
        #expect(image.resized(width: 3, height: 1).pixels == [25, 45, 66])
        // Three columns become two: the middle one belongs half to each.
        let third = GrayImage(width: 3, height: 1, pixels: [0, 90, 210])
        #expect(third.resized(width: 2, height: 1).pixels == [30, 170])
    }

    @Test func `a slope stays a slope when it grows`() {
        let image = GrayImage(width: 20, height: 1, pixels: (0..<20).map { UInt8(10 * $0) })
        let grown = image.resized(width: 60, height: 1)
        for x in 6..<54 {
            let expected = (Double(x) + 0.5) / 3 * 10 - 5
            #expect(abs(Double(grown[x, 0]) - expected) <= 1, "column \(x)")
        }
    }

    @Test func `a homography takes corners to corners and its inverse takes them back`() throws {
        let source = Quad(x: 3, y: 4, width: 640, height: 400)
        let target = Quad(
            topLeft: Point(100, 80),
            topRight: Point(520, 120),
            bottomRight: Point(560, 410),
            bottomLeft: Point(60, 350)
        )
        let mapping = try #require(Homography(from: source, to: target))
        let inverse = try #require(mapping.inverse)
        for (from, to) in zip(source.corners, target.corners) {
            let there = mapping(from)
            #expect(abs(there.x - to.x) < 1e-9 && abs(there.y - to.y) < 1e-9)
            let back = inverse(there)
            #expect(abs(back.x - from.x) < 1e-9 && abs(back.y - from.y) < 1e-9)
        }
    }

    @Test func `corners on a line have no homography`() {
        let source = Quad(x: 0, y: 0, width: 10, height: 10)
        let line = Quad(
            topLeft: Point(0, 0),
            topRight: Point(1, 1),
            bottomRight: Point(2, 2),
            bottomLeft: Point(3, 3)
        )
        let corner = Quad(
            topLeft: Point(0, 0),
            topRight: Point(5, 0),
            bottomRight: Point(10, 0),
            bottomLeft: Point(0, 10)
        )
        let point = Quad(x: 7, y: 7, width: 0, height: 0)
        for quad in [line, corner, point] {
            #expect(Homography(from: source, to: quad) == nil)
            #expect(Homography(from: quad, to: source) == nil)
        }
    }

    @Test func `a card seen from the side is seen from the front again`() throws {
        let card = ReferenceImages.gradient(width: 200, height: 120)
        let corners = Quad(
            topLeft: Point(40, 30),
            topRight: Point(330, 50),
            bottomRight: Point(350, 260),
            bottomLeft: Point(20, 220)
        )
        let onto = try #require(
            Homography(from: corners, to: Quad(x: 0, y: 0, width: 200, height: 120))
        )
        let scene = card.warped(by: onto, width: 400, height: 300, outside: 9)
        #expect(scene[0, 0] == 9 && scene[399, 299] == 9)
        let front = try #require(scene.rectified(corners, width: 200, height: 120))
        // Beside the edges, where the scene's ground begins.
        for y in 3..<117 {
            for x in 3..<197 {
                #expect(abs(Int(front[x, y]) - Int(card[x, y])) <= 3, "\(x), \(y)")
            }
        }
        let same = try #require(
            card.rectified(Quad(x: 0, y: 0, width: 200, height: 120), width: 200, height: 120)
        )
        #expect(same == card)
    }

    @Test func `a part of a picture is cut at its edges`() {
        let image = GrayImage(width: 3, height: 2, pixels: [1, 2, 3, 4, 5, 6])
        #expect(
            image.cropped(x: 1, y: 0, width: 9, height: 9)
                == GrayImage(width: 2, height: 2, pixels: [2, 3, 5, 6])
        )
        #expect(
            image.cropped(x: -1, y: 1, width: 2, height: 1)
                == GrayImage(width: 1, height: 1, pixels: [4])
        )
        #expect(image.cropped(x: 3, y: 0, width: 5, height: 5) == nil)
        #expect(image.cropped(x: -5, y: 0, width: 5, height: 5) == nil)
    }
}
