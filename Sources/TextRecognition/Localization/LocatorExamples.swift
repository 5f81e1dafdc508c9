internal import Learning

/// What the networks that find cards learn from: scenes made smaller, mirrored and turned by chance.
///
/// Scenes without a card and with several are rare, and drawn more often than they occur.
struct LocatorExamples {
    /// A scene made smaller, so that thousands fit into memory.
    private struct Scene {
        let image: GrayImage
        let quads: [Quad]
    }

    /// Scenes without a card, with one, with several.
    private var scenes: [[Scene]] = [[], [], []]
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    /// Adds a scene.
    mutating func add(_ scene: CardScene) {
        let image = scene.image
        let shrink = max(1, max(Double(image.width) / 320, Double(image.height) / 240))
        let (width, height) = (
            Int((Double(image.width) / shrink).rounded()),
            Int((Double(image.height) / shrink).rounded())
        )
        let toSmall = Homography(
            scaleX: Double(width) / Double(image.width),
            scaleY: Double(height) / Double(image.height)
        )
        let small = Scene(
            image: image.resized(width: width, height: height),
            quads: scene.cards.map { toSmall($0.quad) }
        )
        scenes[min(scene.cards.count, 2)].append(small)
    }

    /// A whole scene and the corners of its cards in the prepared picture.
    func whole(at index: Int) -> (picture: PreparedPicture, quads: [Quad]) {
        var random = KeyedRandom(seed: seed, .detection, index: index)
        let share = random.unit()
        let (scene, _) = draw(share < 0.1 ? [0, 1] : share < 0.7 ? [1] : [2, 1], &random)
        let picture = PreparedPicture(whole: scene.image)
        guard let back = picture.toPhotograph.inverse else { return (picture, []) }
        return (picture, scene.quads.map { back($0) })
    }

    /// The part of a scene around a card that was found more or less, and the card's corners in it.
    func part(at index: Int) -> (picture: PreparedPicture, quad: Quad)? {
        var random = KeyedRandom(seed: seed, .corners, index: index)
        let (scene, chosen) = draw(random.chance(0.15) ? [2, 1] : [1], &random)
        guard scene.quads.indices.contains(chosen) else { return nil }
        let quad = scene.quads[chosen]
        // In pixels of the prepared picture: as the first network errs, and as the second does.
        let spread = random.chance(0.4) ? 1.2 : random.uniform(2...5)
        let pixel =
            quad.topLeft.distance(to: quad.topRight)
            / (PreparedPicture.cardBox.topRight.x - PreparedPicture.cardBox.topLeft.x)
        func error() -> Double { max(-2, min(2, random.normal())) * spread * pixel }
        let (allX, allY) = (error(), error())
        let rough = Quad(
            quad.corners.map { Point($0.x + allX + error(), $0.y + allY + error()) }
        )
        guard let picture = PreparedPicture(around: rough, in: scene.image),
            let back = picture.toPhotograph.inverse
        else { return nil }
        let corners = back(quad)
        let isInside = corners.corners.allSatisfy {
            $0.x > 0 && $0.y > 0 && $0.x < Double(PreparedPicture.fullWidth)
                && $0.y < Double(PreparedPicture.height)
        }
        return isInside ? (picture, corners) : nil
    }

    /// A scene of the first of the kinds of which there are any, and which of its cards is meant.
    private func draw(_ kinds: [Int], _ random: inout KeyedRandom) -> (Scene, Int) {
        let kind = kinds.first { !scenes[$0].isEmpty } ?? (scenes[0].isEmpty ? 2 : 0)
        var scene = random.pick(scenes[kind])
        if random.chance(0.5) { scene = Self.mirrored(scene) }
        if random.chance(0.25) { scene = Self.turned(scene) }
        return (scene, scene.quads.isEmpty ? 0 : random.index(below: scene.quads.count))
    }

    private static func mirrored(_ scene: Scene) -> Scene {
        let width = Double(scene.image.width)
        func mirrored(_ point: Point) -> Point { Point(width - point.x, point.y) }
        return Scene(
            image: scene.image.upright(from: .mirrored),
            quads: scene.quads.map { quad in
                Quad(
                    topLeft: mirrored(quad.topRight),
                    topRight: mirrored(quad.topLeft),
                    bottomRight: mirrored(quad.bottomLeft),
                    bottomLeft: mirrored(quad.bottomRight)
                )
            }
        )
    }

    /// Upside down: what was the lower right corner is the upper left one.
    private static func turned(_ scene: Scene) -> Scene {
        let (width, height) = (Double(scene.image.width), Double(scene.image.height))
        func turned(_ point: Point) -> Point { Point(width - point.x, height - point.y) }
        return Scene(
            image: scene.image.upright(from: .turnedHalf),
            quads: scene.quads.map { quad in
                Quad(
                    topLeft: turned(quad.bottomRight),
                    topRight: turned(quad.bottomLeft),
                    bottomRight: turned(quad.topLeft),
                    bottomLeft: turned(quad.topRight)
                )
            }
        )
    }
}
