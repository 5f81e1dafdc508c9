/// Areas of quadrilaterals.
extension Quad {
    /// The area in square pixels; negative when the corners run counterclockwise.
    public var area: Double { Self.area(corners) }

    /// Whether every corner turns clockwise: no corner is pushed in and no sides cross.
    public var isConvex: Bool {
        let corners = corners
        return (0..<4).allSatisfy { index in
            Self.side(corners[index], corners[(index + 1) % 4], corners[(index + 2) % 4]) > 0
        }
    }

    /// The area that two convex quadrilaterals share by the area of both together, 0 to 1.
    public func intersectionOverUnion(_ other: Quad) -> Double {
        guard isConvex, other.isConvex else { return 0 }
        // Cut by one side of the other after another (Sutherland and Hodgman, 1974).
        var polygon = corners
        let sides = other.corners
        for index in 0..<4 where !polygon.isEmpty {
            polygon = Self.cut(polygon, sides[index], sides[(index + 1) % 4])
        }
        let shared = Self.area(polygon)
        return shared / (area + other.area - shared)
    }

    /// The part of a polygon that lies to the right of the line from `start` to `end`, y downwards.
    private static func cut(_ polygon: [Point], _ start: Point, _ end: Point) -> [Point] {
        var left: [Point] = []
        for (index, here) in polygon.enumerated() {
            let next = polygon[(index + 1) % polygon.count]
            let (before, after) = (side(start, end, here), side(start, end, next))
            if before >= 0 { left.append(here) }
            if before >= 0 && after < 0 || before < 0 && after >= 0 {
                let share = before / (before - after)
                left.append(
                    Point(here.x + share * (next.x - here.x), here.y + share * (next.y - here.y))
                )
            }
        }
        return left
    }

    /// Above 0 when `point` is to the right of the line from `start` to `end`, y downwards.
    private static func side(_ start: Point, _ end: Point, _ point: Point) -> Double {
        (end.x - start.x) * (point.y - start.y) - (end.y - start.y) * (point.x - start.x)
    }

    private static func area(_ polygon: [Point]) -> Double {
        var doubled = 0.0
        for (index, here) in polygon.enumerated() {
            let next = polygon[(index + 1) % polygon.count]
            doubled += here.x * next.y - next.x * here.y
        }
        return doubled / 2
    }
}
