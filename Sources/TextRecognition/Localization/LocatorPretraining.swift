import Foundation
public import Learning

/// Makes the networks that find cards, from synthetic scenes alone.
///
/// First scenes are drawn, then the network that sees the whole photograph is trained, then the one
/// that sees the part around a card. Everything follows from the seed: the same settings give the
/// same weights on one kind of machine. One thread.
public final class LocatorPretraining {
    /// What the weights follow from.
    public struct Settings: Codable, Sendable, Equatable {
        /// Scenes that are drawn.
        public var scenes = 2500
        /// Steps of the network that sees the whole photograph.
        public var detectorSteps = 2000
        /// Steps of the network that sees the part around a card.
        public var cornerSteps = 2000
        /// Pictures of a step.
        public var batch = 16
        /// The highest learning rate; it rises for a twentieth of the steps and falls along a cosine.
        public var learningRate: Float = 3e-3
        /// What scenes and first weights are drawn from.
        public var seed: UInt64 = 1

        /// The settings of the weights that come with Freshet.
        public init() {}

        /// Throws when something is out of range.
        public func validate() throws(LearningError) {
            // A scene takes 77 KB until the end.
            try check(scenes, in: 1...100_000, "scenes")
            try check(detectorSteps, in: 1...1_000_000, "steps of the detector")
            try check(cornerSteps, in: 1...1_000_000, "steps of the corner finder")
            try check(batch, in: 1...1024, "pictures of a step")
            guard learningRate > 0, learningRate <= 1 else {
                throw LearningError(
                    .setting,
                    "the learning rate of pre-training is \(learningRate)",
                    remedy: "give a number above 0 and at most 1"
                )
            }
        }

        private func check(
            _ value: Int,
            in range: ClosedRange<Int>,
            _ name: String
        ) throws(LearningError) {
            guard !range.contains(value) else { return }
            throw LearningError(
                .setting,
                "the number of \(name) is \(value)",
                remedy: "give \(range.lowerBound) to \(range.upperBound)"
            )
        }
    }

    /// What is done in a stage, in the order of stages.
    public enum Stage: Sendable {
        /// A scene is drawn.
        case scenes
        /// A step of the network that sees the whole photograph.
        case detector
        /// A step of the network that sees the part around a card.
        case corners
    }

    /// What the weights follow from.
    public let settings: Settings
    /// Scenes and steps so far.
    public private(set) var doneCount = 0
    private let generator: CardGenerator
    private var examples: LocatorExamples
    private let detector: PictureTrainer
    private let corners: PictureTrainer

    /// Draws the first weights and opens the fonts.
    ///
    /// - Throws: `LearningError` for settings, `TextRecognitionError` when a font is not installed.
    public init(_ settings: Settings) throws {
        try settings.validate()
        self.settings = settings
        generator = try CardGenerator(seed: settings.seed)
        examples = LocatorExamples(seed: settings.seed)
        detector = PictureTrainer(CardDetector.network, seed: settings.seed, purpose: 0x6465)
        corners = PictureTrainer(CornerFinder.network, seed: settings.seed, purpose: 0x636F)
    }

    /// Scenes and steps in all.
    public var totalCount: Int { settings.scenes + settings.detectorSteps + settings.cornerSteps }

    /// What comes next; nil when everything is done.
    public var stage: Stage? {
        if doneCount < settings.scenes { return .scenes }
        if doneCount < settings.scenes + settings.detectorSteps { return .detector }
        return doneCount < totalCount ? .corners : nil
    }

    /// Draws the next scene or takes the next step; returns the loss of a step.
    ///
    /// Throws when the gradient is not finite: the learning rate is too high for what follows to
    /// mean anything.
    public func advance() throws(LearningError) -> Double? {
        guard let stage else { return nil }
        var loss: Double?
        switch stage {
        case .scenes: examples.add(generator.scene(at: doneCount))
        case .detector: loss = stepDetector(doneCount - settings.scenes)
        case .corners: loss = stepCorners(doneCount - settings.scenes - settings.detectorSteps)
        }
        if let loss, !loss.isFinite {
            throw LearningError(
                .setting,
                "a gradient is not finite at a learning rate of \(settings.learningRate)",
                remedy: "choose a lower learning rate"
            )
        }
        doneCount += 1
        return loss
    }

    private func stepDetector(_ step: Int) -> Double {
        let drawn = (0..<settings.batch).map { examples.whole(at: step * settings.batch + $0) }
        let weight = 1 / Double(drawn.count)
        return detector.step(
            drawn.map(\.picture),
            rate: learningRate(at: step, of: settings.detectorSteps)
        ) { outputs, index in
            CardDetector.loss(outputs, line: index, quads: drawn[index].quads, weight: weight)
        }
    }

    private func stepCorners(_ step: Int) -> Double {
        let drawn = (0..<settings.batch).compactMap {
            examples.part(at: step * settings.batch + $0)
        }
        guard !drawn.isEmpty else { return 0 }
        let weight = 1 / Double(drawn.count)
        return corners.step(
            drawn.map(\.picture),
            rate: learningRate(at: step, of: settings.cornerSteps)
        ) { outputs, index in
            CornerFinder.loss(outputs, line: index, quad: drawn[index].quad, weight: weight)
        }
    }

    private func learningRate(at step: Int, of count: Int) -> Float {
        let warmUp = max(1, count / 20)
        if step < warmUp { return settings.learningRate * Float(step + 1) / Float(warmUp) }
        let share = Double(step - warmUp) / Double(max(1, count - warmUp))
        return settings.learningRate * Float(0.5 + 0.5 * cos(.pi * share))
    }

    /// The networks as they are now, as a file that `CardLocator` reads, in pieces.
    public var encoded: [[UInt8]] {
        var tensors = NamedTensors()
        detector.encode(prefix: CardLocator.detectorPrefix, into: &tensors)
        corners.encode(prefix: CardLocator.cornersPrefix, into: &tensors)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let text = String(decoding: try encoder.encode(settings), as: UTF8.self)
            return Safetensors.encode(
                tensors,
                metadata: [("format", "freshet card locator"), ("pretraining", text)]
            )
        } catch {
            // Settings that were checked hold finite numbers only.
            preconditionFailure("\(error)")
        }
    }
}
