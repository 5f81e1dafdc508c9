import CCardLocator
public import Learning

/// Finds the cards in a photograph: none, one or several.
///
/// A first network says roughly where cards are; a second one looks at the part of the photograph
/// around each, twice, and gives its corners; then the sides are moved to the edges at full
/// resolution. docs/localization.md has the figures. The same photograph gives the same cards.
///
/// Owned by one thread.
public final class CardLocator {
    /// A card in a photograph.
    public struct Card: Sendable, Equatable {
        /// Its corners, clockwise from the one at the upper left of the photograph.
        public var quad: Quad
        /// How likely there is a card, 0 to 1.
        public var confidence: Double
    }

    /// Below this score there is no card.
    static let threshold = 0.3
    /// More cards are not looked for in one photograph.
    static let maximumCards = 16
    /// The tensors of the two networks are under these prefixes.
    static let detectorPrefix = "detector."
    static let cornersPrefix = "corners."

    private let detector: FoldedNetwork
    private let corners: FoldedNetwork

    /// The locator whose tensors are in `state`.
    ///
    /// Throws when one is missing or misshapen.
    public init(state: any TensorSource) throws(LearningError) {
        detector = try FoldedNetwork(
            CardDetector.network,
            state: state,
            prefix: Self.detectorPrefix
        )
        corners = try FoldedNetwork(
            CornerFinder.network,
            state: state,
            prefix: Self.cornersPrefix
        )
    }

    /// The locator in a file that `freshet cards pretrain-locator` wrote.
    ///
    /// Throws when the file is damaged or another kind of file.
    public convenience init(bytes: [UInt8]) throws(LearningError) {
        try self.init(state: try Safetensors.decode(bytes).tensors)
    }

    /// The locator that comes with Freshet; docs/localization.md says how it was made.
    public static func base() throws(LearningError) -> CardLocator {
        let bytes = UnsafeBufferPointer(start: cl_locator(), count: cl_locator_size())
        return try CardLocator(bytes: Array(bytes))
    }

    /// The cards in a photograph, the likeliest first.
    public func cards(in photograph: GrayImage) -> [Card] {
        let whole = PreparedPicture(whole: photograph)
        let candidates = CardDetector.candidates(
            detector.outputs(for: whole),
            above: Self.threshold
        )
        var found: [Card] = []
        for candidate in candidates.prefix(Self.maximumCards) {
            let rough = whole.toPhotograph(candidate.quad)
            guard let quad = exactly(rough, in: photograph) else { continue }
            let isNew = found.allSatisfy { $0.quad.intersectionOverUnion(quad) < 0.5 }
            if isNew { found.append(Card(quad: quad, confidence: candidate.score)) }
        }
        return found
    }

    /// The corners of a card that was found roughly; nil when there is none after all.
    private func exactly(_ rough: Quad, in photograph: GrayImage) -> Quad? {
        var quad = rough
        for _ in 0..<2 {
            guard let part = PreparedPicture(around: quad, in: photograph) else { return nil }
            let (found, _) = CornerFinder.corners(corners.outputs(for: part))
            quad = part.toPhotograph(found)
            guard quad.isConvex, Self.isNear(quad, photograph) else { return nil }
        }
        let width = max(
            quad.topLeft.distance(to: quad.topRight),
            quad.bottomLeft.distance(to: quad.bottomRight)
        )
        // The second network is right to a sixtieth of the card; small cards move less.
        let reach = min(max(width / 60, 3), 12)
        return EdgeRefinement(reach: reach).refined(quad, in: photograph)
    }

    /// Whether no corner is further outside than half the photograph.
    private static func isNear(_ quad: Quad, _ photograph: GrayImage) -> Bool {
        let (width, height) = (Double(photograph.width), Double(photograph.height))
        return quad.corners.allSatisfy {
            abs($0.x - width / 2) < width && abs($0.y - height / 2) < height
        }
    }
}
