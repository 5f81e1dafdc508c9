import Foundation
public import Learning

/// Makes a base model from synthetic lines alone.
///
/// AdamW with a learning rate that rises for the first steps and then falls along a cosine, and
/// statistics of the batch in the normalizations. The lines follow from the seed, so the same
/// settings give the same weights on one kind of machine.
///
/// Owned by one thread.
public final class Pretraining {
    /// What a base model follows from.
    public struct Settings: Codable, Sendable, Equatable {
        /// Steps in all.
        public var steps = 20000
        /// Lines of a step.
        public var batch = 16
        /// The highest learning rate.
        public var learningRate: Float = 4e-3
        /// Steps in which it rises to that.
        public var warmUpSteps = 200
        /// Of so many lines one is a field cut out of a photograph of a card; 0 for none.
        public var linesPerCardField = 8
        /// What the lines and the first weights are drawn from.
        public var seed: UInt64 = 1

        /// The base model's settings.
        public init() {}

        /// Throws when something is out of range.
        public func validate() throws(LearningError) {
            try check(steps, in: 1...10_000_000, "steps")
            try check(batch, in: 1...4096, "lines of a step")
            try check(warmUpSteps, in: 0...steps, "steps of warm-up")
            try check(linesPerCardField, in: 0...1_000_000, "lines per field of a card")
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

    /// What the model follows from.
    public let settings: Settings
    /// Steps that were taken.
    public private(set) var stepCount = 0
    /// The model.
    public let trainer: LineTrainer
    private let lines: LineGenerator
    private var fields: CardFieldSource
    /// Lines that were drawn.
    private var lineCount = 0

    /// Draws the first weights and opens the fonts.
    ///
    /// - Throws: `LearningError` for settings, `TextRecognitionError` when a font is not installed.
    public init(_ settings: Settings) throws {
        try settings.validate()
        self.settings = settings
        var recognizer = RecognizerSettings()
        recognizer.seed = settings.seed
        var optimizer = AdamW.Settings()
        optimizer.decay = 0.01
        trainer = try LineTrainer(settings: recognizer, optimizer: optimizer)
        lines = try LineGenerator(seed: settings.seed)
        fields = CardFieldSource(try CardGenerator(seed: settings.seed))
    }

    /// Whether all steps were taken.
    public var isComplete: Bool { stepCount >= settings.steps }

    /// Takes the next step.
    ///
    /// Throws when the gradient is not finite: the learning rate is too high for what follows to
    /// mean anything.
    public func step() throws -> LineTrainer.Outcome {
        var examples: [LineTrainer.Example] = []
        for _ in 0..<settings.batch { examples.append(try nextExample()) }
        let rate = learningRate(at: stepCount)
        let outcome = trainer.step(examples, rate: rate)
        guard outcome.gradientNorm.isFinite else {
            throw LearningError(
                .setting,
                "the gradient of step \(stepCount + 1) is not finite at a learning rate of \(rate)",
                remedy: "choose a lower learning rate"
            )
        }
        stepCount += 1
        return outcome
    }

    /// The learning rate of a step, counted from 0.
    func learningRate(at step: Int) -> Float {
        if step < settings.warmUpSteps {
            return settings.learningRate * Float(step + 1) / Float(settings.warmUpSteps)
        }
        let rest = max(1, settings.steps - settings.warmUpSteps)
        let share = Double(step - settings.warmUpSteps) / Double(rest)
        return settings.learningRate * Float(0.5 + 0.5 * cos(.pi * share))
    }

    private func nextExample() throws -> LineTrainer.Example {
        defer { lineCount += 1 }
        let often = settings.linesPerCardField
        let isField = often > 0 && lineCount % often == often - 1
        let line = isField ? fields.next() : lines.line(at: lineCount)
        let alphabet = trainer.network.settings.alphabet
        return .init(PreparedLine(line.image), labels: try alphabet.labels(of: line.text))
    }
}

extension Pretraining {
    /// The model as it is now, its temperature fitted on the lines that would be drawn next.
    public func model(calibrationLines: Int) throws -> RecognizerModel {
        var tensors = NamedTensors()
        trainer.encodeModel(into: &tensors)
        let recognizer = trainer.recognizer()
        let alphabet = trainer.network.settings.alphabet
        let total = settings.steps * settings.batch
        var examples: [(scores: LineScores, labels: [Int32])] = []
        for index in total..<(total + calibrationLines) {
            let line = lines.line(at: index)
            examples.append(
                (
                    recognizer.scores(of: PreparedLine(line.image)),
                    try alphabet.labels(of: line.text)
                )
            )
        }
        return RecognizerModel(
            settings: trainer.network.settings,
            tensors: tensors,
            temperature: Calibration.temperature(fitting: examples),
            pretraining: settings
        )
    }
}
