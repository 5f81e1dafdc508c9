import Foundation
internal import Learning

/// How a card lies before the camera.
struct CardPose {
    /// Its corners in the photograph.
    let quad: Quad

    /// Turns a card in space, looks at it from a distance of one and a half to four times its width,
    /// and moves what is seen into an upright rectangle of the photograph.
    init(aspect: Double, within place: Quad, _ random: inout KeyedRandom) {
        let turn = random.chance(0.12) ? random.uniform(-0.6...0.6) : 0.1 * random.normal()
        let tiltX = 0.28 * max(-1.5, min(1.5, random.normal()))
        let tiltY = 0.28 * max(-1.5, min(1.5, random.normal()))
        let distance = random.uniform(1.5...4)
        let corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map { x, y in
            let (x, y) = (x, y / aspect)
            let (x1, y1) = (x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn))
            let depth = x1 * sin(tiltY) + y1 * sin(tiltX)
            let scale = distance / (distance + depth)
            return Point(x1 * cos(tiltY) * scale, y1 * cos(tiltX) * scale)
        }
        let (left, right) = Self.bounds(corners.map(\.x))
        let (top, bottom) = Self.bounds(corners.map(\.y))
        let width = place.topRight.x - place.topLeft.x
        let height = place.bottomLeft.y - place.topLeft.y
        let largest = min(width / (right - left), height / (bottom - top))
        let scale = largest * random.uniform(0.62...0.96)
        let room = (
            x: width - (right - left) * scale, y: height - (bottom - top) * scale
        )
        // The middle is likelier than the edges.
        let x = place.topLeft.x + room.x * (random.unit() + random.unit()) / 2 - left * scale
        let y = place.topLeft.y + room.y * (random.unit() + random.unit()) / 2 - top * scale
        let seen = corners.map { Point(x + $0.x * scale, y + $0.y * scale) }
        quad = Quad(
            topLeft: seen[0],
            topRight: seen[1],
            bottomRight: seen[2],
            bottomLeft: seen[3]
        )
    }

    private static func bounds(_ numbers: [Double]) -> (Double, Double) {
        (numbers.min() ?? 0, numbers.max() ?? 0)
    }
}
