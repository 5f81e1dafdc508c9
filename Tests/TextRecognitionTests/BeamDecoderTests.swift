import Foundation
import Learning
import Testing

@testable import TextRecognition

/// Decoding, against the sum over all alignments and under formats.
struct BeamDecoderTests {
    private let alphabet = Alphabet("012AB")

    /// Scores drawn from a key; larger `sharpness` makes the network surer.
    private func scores(_ steps: Int, key: UInt64, sharpness: Double = 2) -> LineScores {
        var random = KeyedRandom(key: key)
        let classes = alphabet.classCount
        var logits: [Float] = []
        for _ in 0..<(steps * classes) { logits.append(Float(random.unit() * sharpness)) }
        return LineScores(stepCount: steps, classCount: classes, logProbabilities: logits)
            .normalized
    }

    /// Scores that say `text`, one character every second step.
    private func scores(saying text: String, certainty: Float = 6) throws -> LineScores {
        let labels = try alphabet.labels(of: text)
        let classes = alphabet.classCount
        var logits = [Float](repeating: 0, count: (2 * labels.count + 1) * classes)
        for step in 0...(2 * labels.count) {
            let label = step % 2 == 1 ? Int(labels[step / 2]) : 0
            logits[step * classes + label] = certainty
        }
        return LineScores(
            stepCount: 2 * labels.count + 1,
            classCount: classes,
            logProbabilities: logits
        ).normalized
    }

    private func read(
        _ scores: LineScores,
        _ decoder: inout BeamDecoder,
        temperature: Float = 1
    ) throws -> Reading {
        let reading = decoder.read(scores, temperature: temperature)
        return try #require(reading)
    }

    /// The most likely text among all that satisfy `isAllowed`, by the loss of each.
    private func best(_ scores: LineScores, _ isAllowed: (String) -> Bool) -> (String, Double)? {
        var loss = CTCLoss()
        var best: (String, Double)?
        var texts = [""]
        for _ in 0...scores.stepCount {
            for text in texts where isAllowed(text) {
                let labels = text.compactMap { alphabet.label(of: $0).map { Int32($0) } }
                guard let cost = scores.loss(of: labels, &loss) else { continue }
                if best.map({ cost < $0.1 }) != false { best = (text, cost) }
            }
            texts = texts.flatMap { text in alphabet.symbols.map { text + String($0) } }
        }
        return best
    }

    @Test(arguments: 1...12)
    func `the most likely of all texts is found, with its probability`(key: UInt64) throws {
        let scores = scores(4, key: key)
        let expected = try #require(best(scores) { _ in true })
        var decoder = BeamDecoder(alphabet: alphabet, width: 64)
        let reading = try read(scores, &decoder)
        #expect(reading.text == expected.0)
        #expect(abs(reading.confidence - exp(-expected.1)) < 1e-6)
        let candidates = decoder.candidates(scores)
        let candidate = try #require(candidates.first)
        #expect(abs(candidate.logProbability + expected.1) < 1e-6)
    }

    @Test(arguments: 1...12)
    func `the most likely text of a format is found`(key: UInt64) throws {
        let scores = scores(4, key: key, sharpness: 6)
        let pattern = try FieldPattern("[AB]\\d{1,2}")
        let expected = try #require(best(scores, pattern.matches))
        var decoder = BeamDecoder(
            format: FieldFormat(pattern: pattern),
            alphabet: alphabet,
            width: 64
        )
        let reading = try read(scores, &decoder)
        #expect(reading.text == expected.0)
        #expect(reading.isValid && pattern.matches(reading.text))
    }

    @Test func `a format that the network would never read is still kept to`() throws {
        let scores = try scores(saying: "ABAB", certainty: 40)
        let pattern = try FieldPattern("\\d{4}")
        var decoder = BeamDecoder(format: FieldFormat(pattern: pattern), alphabet: alphabet)
        let reading = try read(scores, &decoder)
        #expect(pattern.matches(reading.text))
        #expect(reading.confidence < 1e-20)
    }

    @Test func `a text that does not fit the line is no answer`() throws {
        let scores = scores(3, key: 1)
        let pattern = try FieldPattern("\\d{4}")
        var decoder = BeamDecoder(format: FieldFormat(pattern: pattern), alphabet: alphabet)
        let reading = decoder.read(scores)
        #expect(reading == nil)
    }

    @Test func `only the declared characters are read`() throws {
        let scores = try scores(saying: "A0B1")
        let format = FieldFormat(characters: Set("012"))
        var decoder = BeamDecoder(format: format, alphabet: alphabet)
        let reading = try read(scores, &decoder)
        #expect(reading.text.allSatisfy { "012".contains($0) })
    }

    @Test func `a check digit chooses among the likely texts`() throws {
        // 21211 is likelier than 21212, but only the latter has the right check digit.
        let classes = alphabet.classCount
        var logits = [Float](repeating: 0, count: 11 * classes)
        for step in 0..<11 where step % 2 == 0 { logits[step * classes] = 9 }
        for (place, label) in try alphabet.labels(of: "21211").enumerated() {
            logits[(2 * place + 1) * classes + Int(label)] = 9
        }
        logits[9 * classes + 3] = 8.5
        let scores = LineScores(stepCount: 11, classCount: classes, logProbabilities: logits)
            .normalized
        #expect(GreedyDecoder.read(scores, alphabet: alphabet).text == "21211")
        #expect(CheckDigit.luhn.accepts("21212") && !CheckDigit.luhn.accepts("21211"))
        var decoder = BeamDecoder(format: FieldFormat(checkDigit: .luhn), alphabet: alphabet)
        let reading = try read(scores, &decoder)
        #expect(reading.text == "21212" && reading.isValid)
        #expect(reading.confidence < 0.5)
    }

    @Test func `without any right check digit the likeliest text is given as not valid`() throws {
        let scores = try scores(saying: "1", certainty: 30)
        let format = FieldFormat(pattern: try FieldPattern("\\d"), checkDigit: .luhn)
        var decoder = BeamDecoder(format: format, alphabet: alphabet)
        let reading = try read(scores, &decoder)
        #expect(reading.text == "1" && !reading.isValid)
    }

    @Test func `sure steps give sure characters, and temperature makes them less sure`() throws {
        var scores = try scores(saying: "AB20", certainty: 8)
        var decoder = BeamDecoder(alphabet: alphabet)
        let reading = try read(scores, &decoder)
        #expect(reading.text == "AB20" && reading.characterConfidences.count == 4)
        #expect(reading.characterConfidences.allSatisfy { $0 > 0.99 })
        let greedy = GreedyDecoder.read(scores, alphabet: alphabet)
        #expect(greedy.text == reading.text)
        #expect(greedy.confidence <= reading.confidence + 1e-9)
        let calmer = try read(scores, &decoder, temperature: 3)
        #expect(calmer.text == reading.text)
        #expect(calmer.confidence < reading.confidence)
        for (calm, sure) in zip(calmer.characterConfidences, reading.characterConfidences) {
            #expect(calm < sure)
        }
        scores = scores.tempered(by: 2)
        for step in 0..<scores.stepCount {
            var sum = 0.0
            for label in 0..<scores.classCount { sum += exp(Double(scores[step, label])) }
            #expect(abs(sum - 1) < 1e-5)
        }
    }

    @Test func `calibration finds the temperature by which scores are too sure`() {
        // Labels drawn from the probabilities themselves, then scores three times as sure.
        var random = KeyedRandom(key: 7)
        var examples: [(scores: LineScores, labels: [Int32])] = []
        for key in 0..<400 {
            let honest = scores(1, key: UInt64(key) + 100, sharpness: 3)
            var left = random.unit()
            var label: Int32 = 0
            for k in 0..<honest.classCount where left >= 0 {
                left -= exp(Double(honest[0, k]))
                label = Int32(k)
            }
            let sure = honest.tempered(by: Float(1) / 3)
            examples.append((scores: sure, labels: label == 0 ? [] : [label]))
        }
        let found = Calibration.temperature(fitting: examples)
        #expect(abs(found - 3) < 0.6)
        #expect(Calibration.temperature(fitting: []) == 1)
    }

    @Test func `an alphabet grows at its end, and says where a text leaves it`() throws {
        let grown = alphabet.extended(by: "BXA-X")
        #expect(String(grown.symbols) == "012ABX-")
        #expect(try grown.labels(of: "0-") == [1, 7])
        let error = #expect(throws: TextRecognitionError.self) { try alphabet.labels(of: "01x") }
        #expect(error?.message.contains("character 3") == true)
        #expect(error?.message.contains("01x") == false)
        let coded = try JSONDecoder().decode(Alphabet.self, from: JSONEncoder().encode(grown))
        #expect(coded == grown)
    }
}

extension LineScores {
    /// The same as logs of probabilities.
    fileprivate var normalized: LineScores { tempered(by: 1.0000001) }
}
