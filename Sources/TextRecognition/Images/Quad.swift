/// A place in a picture, in pixels: (0, 0) is the upper left corner of the first pixel, (0.5, 0.5)
/// its middle.
public struct Point: Sendable, Equatable, Codable {
    /// From the left.
    public var x: Double
    /// From the top.
    public var y: Double

    /// Makes a place.
    public init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }
}

/// Four corners, such as those of a card in a photograph, named as one sees them when the card is
/// upright.
public struct Quad: Sendable, Equatable, Codable {
    /// The corner where reading begins.
    public var topLeft: Point
    /// The next one clockwise.
    public var topRight: Point
    /// The one opposite to where reading begins.
    public var bottomRight: Point
    /// The last one.
    public var bottomLeft: Point

    /// Makes a quadrilateral.
    public init(topLeft: Point, topRight: Point, bottomRight: Point, bottomLeft: Point) {
        self.topLeft = topLeft
        self.topRight = topRight
        self.bottomRight = bottomRight
        self.bottomLeft = bottomLeft
    }

    /// The corners of an upright rectangle.
    public init(x: Double, y: Double, width: Double, height: Double) {
        self.init(
            topLeft: Point(x, y),
            topRight: Point(x + width, y),
            bottomRight: Point(x + width, y + height),
            bottomLeft: Point(x, y + height)
        )
    }

    /// Clockwise from the upper left.
    public var corners: [Point] { [topLeft, topRight, bottomRight, bottomLeft] }

    /// The corners as they are written in JSON: x and y of each, to a hundredth of a pixel.
    public var places: [[Double]] {
        corners.map { corner in [corner.x, corner.y].map { ($0 * 100).rounded() / 100 } }
    }
}
