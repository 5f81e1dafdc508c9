import Learning
import Testing

@testable import TextRecognition

@Suite struct PretrainingTests {
    private func settings(steps: Int = 3) -> Pretraining.Settings {
        var settings = Pretraining.Settings()
        (settings.steps, settings.batch, settings.warmUpSteps) = (steps, 4, 1)
        settings.linesPerCardField = 4
        settings.seed = 5
        return settings
    }

    private func trained(_ settings: Pretraining.Settings) throws -> Pretraining {
        let pretraining = try Pretraining(settings)
        while !pretraining.isComplete { _ = try pretraining.step() }
        return pretraining
    }

    @Test func `the same settings give the same bytes, another seed others`() throws {
        let first = try trained(settings()).model(calibrationLines: 4)
        #expect(try trained(settings()).model(calibrationLines: 4).encoded == first.encoded)
        var other = settings()
        other.seed = 6
        #expect(try trained(other).model(calibrationLines: 4).tensors != first.tensors)
    }

    @Test func `a model goes through its file unchanged`() throws {
        let model = try trained(settings(steps: 1)).model(calibrationLines: 4)
        #expect(model.pretraining == settings(steps: 1))
        #expect(model.settings.seed == 5)
        #expect(try RecognizerModel(bytes: Array(model.encoded.joined())) == model)
    }

    @Test func `the learning rate rises, then falls to nearly nothing`() throws {
        var settings = settings(steps: 100)
        settings.warmUpSteps = 10
        let pretraining = try Pretraining(settings)
        let rates = (0..<100).map(pretraining.learningRate)
        #expect(rates[0] == settings.learningRate / 10)
        #expect(rates[9] == settings.learningRate && rates[10] == settings.learningRate)
        #expect(zip(rates[10...], rates[11...]).allSatisfy { $0 > $1 })
        #expect(rates[99] < settings.learningRate / 1000)
    }

    @Test func `settings out of range are refused`() {
        func refuses(_ change: (inout Pretraining.Settings) -> Void) -> Bool {
            var changed = settings()
            change(&changed)
            do {
                try changed.validate()
                return false
            } catch {
                return error.kind == .setting
            }
        }
        #expect(!refuses { _ in })
        #expect(refuses { $0.steps = 0 })
        #expect(refuses { $0.batch = 0 })
        #expect(refuses { $0.warmUpSteps = 4 })
        #expect(refuses { $0.learningRate = .nan })
        #expect(refuses { $0.linesPerCardField = -1 })
    }

    @Test func `the base model reads lines that it was not trained on`() throws {
        let model = try RecognizerModel.base()
        #expect(model.pretraining?.seed == Pretraining.Settings().seed)
        #expect(model.pretraining == Pretraining.Settings())
        let recognizer = try model.recognizer()
        let lines = try LineGenerator(seed: 1_000_001)
        var errors = ReadingErrors()
        for index in 0..<200 {
            let line = lines.line(at: index)
            let scores = recognizer.scores(of: PreparedLine(line.image))
            let reading = GreedyDecoder.read(scores, alphabet: model.settings.alphabet)
            errors.add(reading.text, truth: line.text)
        }
        #expect(errors.characterErrorRate < 0.015, "\(errors)")
        #expect(errors.exactShare > 0.9, "\(errors)")
    }

    @Test func `a file that is no model is refused`() throws {
        var model = try trained(settings(steps: 1)).model(calibrationLines: 4)
        let whole = Array(model.encoded.joined())
        #expect(throws: LearningError.self) { try RecognizerModel(bytes: []) }
        #expect(throws: LearningError.self) { try RecognizerModel(bytes: Array(whole.dropLast())) }
        let plain = Array(Safetensors.encode(model.tensors).joined())
        #expect(throws: LearningError.self) { try RecognizerModel(bytes: plain) }
        model.temperature = -1
        let negative = Array(model.encoded.joined())
        #expect(throws: LearningError.self) { try RecognizerModel(bytes: negative) }
        model.temperature = 1
        model.tensors["model.head.bias"] = nil
        let incomplete = Array(model.encoded.joined())
        #expect(throws: LearningError.self) { try RecognizerModel(bytes: incomplete) }
    }
}
