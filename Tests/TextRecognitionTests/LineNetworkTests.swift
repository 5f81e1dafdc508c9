import Foundation
import Learning
import Testing

@testable import TextRecognition

/// The whole network against PyTorch, and what must hold of any training.
struct LineNetworkTests {
    private func figures() throws -> SafetensorsFile {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        return try SafetensorsFile(
            path: tests.appendingPathComponent("Reference/recognizer.safetensors").path
        )
    }

    private func examples(_ figures: SafetensorsFile) throws -> [LineTrainer.Example] {
        try (0..<2).map { index in
            let pixels = try figures.values("line\(index)", of: Float.self)
            return LineTrainer.Example(
                PreparedLine(width: pixels.count / PreparedLine.height, pixels: pixels),
                labels: try figures.values("labels\(index)", of: Int32.self)
            )
        }
    }

    private func trainer(_ figures: SafetensorsFile) throws -> LineTrainer {
        let trainer = try LineTrainer(settings: SmallNetwork.settings)
        try trainer.network.parameters.decode(figures, prefix: "", into: trainer.parameters)
        try trainer.network.statistics.decode(figures, prefix: "", into: trainer.statistics)
        return trainer
    }

    @Test(arguments: [Normalization.Statistics.batch, .frozen])
    func `loss, gradients and statistics are PyTorch's`(
        normalization: Normalization.Statistics
    ) throws {
        let figures = try figures()
        let trainer = try trainer(figures)
        trainer.normalization = normalization
        let outcome = trainer.addGradients(of: try examples(figures))
        let prefix = normalization == .batch ? "batch." : "frozen."
        let expected = Double(try figures.values(prefix + "loss", of: Float.self)[0])
        #expect(abs(outcome.loss - expected) < 1e-5 * expected)
        var found = NamedTensors()
        let network = trainer.network
        network.parameters.encode(trainer.gradients, prefix: "gradient.", into: &found)
        for entry in network.parameters.entries {
            let mine = try found.values("gradient." + entry.name, of: Float.self)
            let theirs = try figures.values(prefix + "gradient." + entry.name, of: Float.self)
            let largest = theirs.map(abs).max() ?? 0
            let worst = zip(mine, theirs).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 2e-4 * largest, "\(entry.name): \(worst) of \(largest)")
        }
        network.statistics.encode(trainer.statistics, prefix: "", into: &found)
        for entry in network.statistics.entries where normalization == .batch {
            let mine = try found.values(entry.name, of: Float.self)
            let theirs = try figures.values("batch." + entry.name, of: Float.self)
            #expect(zip(mine, theirs).allSatisfy { abs($0 - $1) < 1e-5 }, "\(entry.name)")
        }
    }

    @Test func `what is read is PyTorch's, and the same bits as alone in any company`() throws {
        let figures = try figures()
        let trainer = try trainer(figures)
        let recognizer = trainer.recognizer(averaged: false)
        for (index, example) in try examples(figures).enumerated() {
            let scores = recognizer.scores(of: example.line)
            let expected = try figures.values("scores\(index)", of: Float.self)
            #expect(scores.logProbabilities.count == expected.count)
            #expect(
                zip(scores.logProbabilities, expected).allSatisfy { abs($0 - $1) < 1e-4 }
            )
            // Wider and narrower lines before it leave nothing behind.
            for other in [4, 256, 36] { _ = recognizer.scores(of: SmallNetwork.line(other)) }
            #expect(recognizer.scores(of: example.line) == scores)
        }
    }

    @Test func `with frozen statistics the gradient of a batch is the sum of its lines'`() throws {
        let trainer = try LineTrainer(settings: SmallNetwork.settings)
        trainer.normalization = .frozen
        let examples = SmallNetwork.examples(3)
        var sum = [Double](repeating: 0, count: trainer.gradients.count)
        for example in examples {
            _ = trainer.addGradients(of: [example])
            for index in sum.indices { sum[index] += Double(trainer.gradients.base[index]) / 3 }
        }
        _ = trainer.addGradients(of: examples)
        for (index, expected) in sum.enumerated() {
            #expect(abs(Double(trainer.gradients.base[index]) - expected) < 1e-5)
        }
    }

    @Test func `gradients are the differences of the loss`() throws {
        let trainer = try LineTrainer(settings: SmallNetwork.settings)
        let examples = SmallNetwork.examples(2)
        _ = trainer.addGradients(of: examples)
        // Along the gradient itself, where the difference is largest beside the rounding errors.
        let gradient = Array(trainer.gradients.numbers)
        let before = Array(trainer.parameters.numbers)
        let norm = gradient.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
        let length = 1e-3 / norm
        func loss(_ sign: Double) -> Double {
            for index in gradient.indices {
                trainer.parameters.base[index] =
                    before[index] + Float(sign * length * Double(gradient[index]))
            }
            return trainer.addGradients(of: examples).loss
        }
        let slope = (loss(1) - loss(-1)) / (2 * length)
        #expect(abs(slope / (norm * norm) - 1) < 0.02)
    }

    @Test func `the same steps give the same bits`() throws {
        func run() throws -> [Float] {
            let trainer = try LineTrainer(settings: SmallNetwork.settings)
            for step in 0..<3 {
                trainer.normalization = step < 2 ? .batch : .frozen
                _ = trainer.step(SmallNetwork.examples(2 + step), rate: 1e-3)
            }
            return Array(trainer.parameters.numbers) + Array(trainer.statistics.numbers)
                + Array(trainer.optimizer.average.numbers)
        }
        let (first, second) = (try run(), try run())
        #expect(first == second)
    }

    @Test func `a few lines are learned by heart`() throws {
        let trainer = try LineTrainer(settings: SmallNetwork.settings)
        let examples = SmallNetwork.examples(2)
        let first = trainer.step(examples, rate: 3e-3).loss
        var last = first
        for _ in 0..<60 { last = trainer.step(examples, rate: 3e-3).loss }
        #expect(last < first / 20)
    }

    @Test func `a text longer than its line is left out and counted`() throws {
        let trainer = try LineTrainer(settings: SmallNetwork.settings)
        let line = SmallNetwork.line(16)
        let long = LineTrainer.Example(line, labels: [Int32](repeating: 1, count: 40))
        let outcome = trainer.addGradients(of: [long])
        #expect(outcome.impossibleCount == 1 && outcome.loss == 0)
        #expect(trainer.gradients.numbers.allSatisfy { $0 == 0 })
    }

    @Test func `settings out of range are refused`() {
        for change in [
            { (settings: inout RecognizerSettings) in settings.widths = [8, 8, 8, 8] },
            { $0.widths[2] = 12 },
            { $0.widths[0] = 0 },
            { $0.dilations = [0] },
            { $0.alphabet = Alphabet("") },
            { $0.alphabet = Alphabet("ABA") },
        ] {
            var settings = RecognizerSettings()
            change(&settings)
            #expect(throws: LearningError.self) { try LineNetwork(settings) }
        }
    }
}

/// A network small enough for tests, and lines for it.
enum SmallNetwork {
    static var settings: RecognizerSettings {
        var settings = RecognizerSettings()
        settings.widths = [8, 16, 24, 16, 24]
        settings.dilations = [1, 2]
        return settings
    }

    static func line(_ width: Int, key: UInt64 = 1) -> PreparedLine {
        var random = KeyedRandom(key: key)
        let pixels = (0..<(width * PreparedLine.height)).map { _ in
            Float(random.unit() * 3 - 1.5)
        }
        return PreparedLine(width: width, pixels: pixels)
    }

    static func examples(_ count: Int) -> [LineTrainer.Example] {
        (0..<count).map { index in
            LineTrainer.Example(
                line(40 + 12 * index, key: UInt64(index + 1)),
                labels: [3, Int32(index + 1), 3, 3, 7]
            )
        }
    }
}
