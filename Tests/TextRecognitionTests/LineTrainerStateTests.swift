import Learning
import Testing

@testable import TextRecognition

/// Trainers and recognizers as tensors, and alphabets that grow.
struct LineTrainerStateTests {
    private func trained(_ steps: Int) throws -> LineTrainer {
        let trainer = try LineTrainer(settings: SmallNetwork.settings, headRate: 5)
        for step in 0..<steps { _ = trainer.step(SmallNetwork.examples(1 + step % 2), rate: 2e-3) }
        trainer.normalization = .frozen
        return trainer
    }

    private func state(_ trainer: LineTrainer) -> NamedTensors {
        var tensors = NamedTensors()
        trainer.encode(into: &tensors)
        return tensors
    }

    @Test func `a trainer goes on from its tensors as if it had not stopped`() throws {
        let trainer = try trained(3)
        let restored = try LineTrainer(
            settings: SmallNetwork.settings,
            headRate: 5,
            state: state(trainer)
        )
        restored.normalization = .frozen
        for _ in 0..<2 {
            let outcome = trainer.step(SmallNetwork.examples(2), rate: 1e-3)
            #expect(restored.step(SmallNetwork.examples(2), rate: 1e-3) == outcome)
        }
        #expect(state(restored) == state(trainer))
    }

    @Test func `a scorer reads from the tensors what the trainer's recognizer reads`() throws {
        let trainer = try trained(3)
        var model = NamedTensors()
        trainer.encodeModel(into: &model)
        #expect(model.names.allSatisfy { $0.hasPrefix("model.") })
        let recognizer = try LineRecognizer(settings: SmallNetwork.settings, state: model)
        let line = SmallNetwork.line(60)
        #expect(recognizer.scores(of: line) == trainer.recognizer().scores(of: line))
        let fresh = try LineTrainer(settings: SmallNetwork.settings, state: model)
        #expect(fresh.recognizer().scores(of: line) == recognizer.scores(of: line))
        #expect(fresh.optimizer.stepCount == 0)
    }

    @Test func `a state that does not fit is refused by the tensor's name`() throws {
        let good = state(try trained(1))
        var other = SmallNetwork.settings
        other.widths[4] = 32
        #expect(throws: LearningError.self) { try LineTrainer(settings: other, state: good) }
        for name in good.names {
            var missing = good
            missing[name] = nil
            // Without any trained head the rest is a model that training begins with.
            guard name != "trained.head.bias" else { continue }
            let error = #expect(throws: LearningError.self) {
                try LineTrainer(settings: SmallNetwork.settings, state: missing)
            }
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test func `new symbols change no answer and can be learned`() throws {
        let trainer = try trained(40)
        let old = SmallNetwork.settings.alphabet
        var settings = SmallNetwork.settings
        settings.alphabet = old.extended(by: "ÄÖ")
        let grownState = try LineTrainer.grown(state(trainer), from: old, to: settings.alphabet)
        let grown = try LineTrainer(settings: settings, headRate: 5, state: grownState)
        for key in 1...5 {
            let line = SmallNetwork.line(80, key: UInt64(key))
            let before = trainer.recognizer().scores(of: line)
            let after = grown.recognizer().scores(of: line)
            #expect(
                GreedyDecoder.read(before, alphabet: old).text
                    == GreedyDecoder.read(after, alphabet: settings.alphabet).text
            )
            for step in 0..<before.stepCount {
                for label in 0..<before.classCount {
                    #expect(abs(before[step, label] - after[step, label]) < 1e-2)
                }
            }
        }
        let new = Int32(settings.alphabet.classCount - 1)
        let example = LineTrainer.Example(SmallNetwork.line(40), labels: [new, 3])
        grown.normalization = .frozen
        for _ in 0..<150 { _ = grown.step([example], rate: 2e-3) }
        let reading = GreedyDecoder.read(
            grown.recognizer(averaged: false).scores(of: example.line),
            alphabet: settings.alphabet
        )
        #expect(reading.text == "Ö2")
        let reordered = Alphabet("B" + String(old.symbols.filter { $0 != "B" }))
        #expect(throws: LearningError.self) {
            try LineTrainer.grown(grownState, from: settings.alphabet, to: reordered)
        }
    }

    @Test func `a line is scaled to 32 rows, and its contrast does not count`() {
        var pixels: [UInt8] = []
        for index in 0..<(64 * 90) { pixels.append(UInt8(40 + (index % 90) * 2 % 80)) }
        let image = GrayImage(width: 90, height: 64, pixels: pixels)
        let line = PreparedLine(image)
        #expect(line.width == 48 && line.stepCount == 12)
        let row = line.pixels[0..<45]
        let sum: Float = line.pixels.reduce(0, +)
        let (largest, smallest) = (row.max() ?? 0, row.min() ?? 0)
        #expect(abs(sum) < 0.05 * Float(line.pixels.count))
        #expect(largest > 1 && smallest < -1)
        #expect(line.pixels[45..<48].allSatisfy { $0 == 0 })
        let flat = PreparedLine(
            GrayImage(width: 5, height: 200, pixels: [UInt8](repeating: 9, count: 1000))
        )
        #expect(flat.width == 8 && flat.pixels.allSatisfy { $0 == 0 })
        let wide = PreparedLine(
            GrayImage(width: 9000, height: 4, pixels: [UInt8](repeating: 9, count: 36000))
        )
        #expect(wide.width == PreparedLine.maximumWidth)
    }
}
