import Learning
import TextRecognition

/// One training step and one reading of the recognizer of lines, as `Benchmarks/peers/recognizer.py`
/// has PyTorch do them: the same architecture, the same number of lines of the same width.
enum RecognizerBenchmark {
    /// Milliseconds of CPU time, the median of `runs` each.
    static func milliseconds(batch: Int, width: Int, runs: Int) throws -> [String: Double] {
        var random = SplitMix64(state: 1)
        let examples = (0..<batch).map { _ in
            let pixels = (0..<(width * PreparedLine.height)).map { _ in
                Float(random.next() >> 40) * 0x1p-22 - 2
            }
            let labels = (0..<12).map { _ in Int32(random.next() % 36 + 1) }
            return LineTrainer.Example(
                PreparedLine(width: width, pixels: pixels),
                labels: labels
            )
        }
        let trainer = try LineTrainer(settings: RecognizerSettings(), headRate: 5)
        var figures: [String: Double] = [:]
        for (name, mode) in [("train", Normalization.Statistics.batch), ("tune", .frozen)] {
            trainer.normalization = mode
            figures[name] = median(runs) { _ = trainer.step(examples, rate: 1e-3) }
        }
        let recognizer = trainer.recognizer()
        figures["read"] = median(runs) {
            for example in examples { _ = recognizer.scores(of: example.line) }
        }
        figures["read_one"] = median(runs) { _ = recognizer.scores(of: examples[0].line) }
        return figures
    }

    private static func median(_ runs: Int, _ body: () -> Void) -> Double {
        // The first runs make room for what the others need.
        for _ in 0..<3 { body() }
        let times = (0..<runs).map { _ in
            let begin = threadSeconds()
            body()
            return (threadSeconds() - begin) * 1e3
        }
        return times.sorted()[runs / 2]
    }
}
