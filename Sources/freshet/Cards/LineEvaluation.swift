import Foundation
import Learning
import TextRecognition

/// How well a model reads synthetic lines that it was not trained on.
struct LineEvaluation {
    /// What held-out lines are drawn from unless another seed is given.
    static let defaultSeed: UInt64 = 1_000_001

    /// Lines of one kind: a scenario's, or fields cut out of its cards.
    struct Row: Encodable {
        let scenario: String
        /// Which field; nil for all of the scenario.
        let field: String?
        let lines: Int
        let exact: Double
        let characters: Int
        let characterErrorRate: Double

        init(_ scenario: CardScenario, _ field: String?, _ errors: ReadingErrors) {
            self.scenario = scenario.rawValue
            self.field = field
            lines = errors.lineCount
            exact = errors.exactShare
            characters = errors.characterCount
            characterErrorRate = errors.characterErrorRate
        }
    }

    /// What came of it.
    struct Result: Encodable {
        let seed: UInt64
        /// Fields cut out of cards in place of lines.
        let cards: Bool
        /// Of one thread, preparation and decoding with it.
        let linesPerSecond: Double
        let temperature: Double
        let rows: [Row]
        let reliability: ReliabilityTable
    }

    private let model: RecognizerModel
    private let recognizer: LineRecognizer
    private let seed: UInt64
    private let cards: Bool

    /// Takes the model's weights.
    ///
    /// Throws when they do not fit its settings, or when the lines of `seed` were trained on.
    init(model: RecognizerModel, seed: UInt64, cards: Bool = false) throws {
        guard model.pretraining?.seed != seed else {
            throw CommandFailure(
                .misuse,
                "the model was trained on lines of seed \(seed)",
                remedy: "give another --seed"
            )
        }
        self.model = model
        self.seed = seed
        self.cards = cards
        recognizer = try model.recognizer()
    }

    /// Reads `count` lines of each scenario.
    func run(
        _ scenarios: [CardScenario],
        count: Int,
        until isInterrupted: () -> Bool = { false }
    ) throws -> Result {
        var rows: [Row] = []
        var reliability = ReliabilityTable()
        var (seconds, lineCount) = (0.0, 0)
        var progress = Progress("Reading", unit: "lines", total: scenarios.count * count)
        defer { progress.finish() }
        for scenario in scenarios {
            var all = ReadingErrors()
            var fields: [String: ReadingErrors] = [:]
            let next = try source(scenario)
            for index in 0..<count {
                guard !isInterrupted() else { throw Self.interrupted(after: lineCount) }
                let line = next(index)
                let start = ProcessorTime.seconds()
                let reading = try read(line.image)
                seconds += ProcessorTime.seconds() - start
                lineCount += 1
                all.add(reading.text, truth: line.text)
                fields[line.field, default: ReadingErrors()].add(reading.text, truth: line.text)
                reliability.add(reading, truth: line.text)
                progress.update(lineCount)
            }
            rows.append(Row(scenario, nil, all))
            rows += fields.sorted { $0.key < $1.key }.map { Row(scenario, $0.key, $0.value) }
        }
        return Result(
            seed: seed,
            cards: cards,
            linesPerSecond: seconds > 0 ? (Double(lineCount) / seconds).rounded() : 0,
            temperature: Double(model.temperature),
            rows: rows,
            reliability: reliability
        )
    }

    private static func interrupted(after count: Int) -> CommandFailure {
        CommandFailure(
            .failure,
            "interrupted after \(grouped(count)) lines",
            remedy: "give a lower --count"
        )
    }

    /// What stands there, with its probability over all alignments, as the beam decoder gives it.
    private func read(_ image: GrayImage) throws -> Reading {
        let alphabet = model.settings.alphabet
        let scores = recognizer.scores(of: PreparedLine(image)).tempered(by: model.temperature)
        var reading = GreedyDecoder.read(scores, alphabet: alphabet)
        var loss = CTCLoss()
        let labels = try alphabet.labels(of: reading.text)
        reading.confidence = exp(-(scores.loss(of: labels, &loss) ?? .infinity))
        return reading
    }

    /// The lines of a scenario, to be asked for in order.
    private func source(_ scenario: CardScenario) throws -> (Int) -> LabeledLine {
        guard cards else {
            let generator = try LineGenerator(scenario: scenario, seed: seed)
            return { generator.line(at: $0) }
        }
        var fields = CardFieldSource(try CardGenerator(scenario: scenario, seed: seed))
        return { _ in fields.next() }
    }
}

extension LineEvaluation.Result {
    /// The result for people.
    var lines: [String] {
        var table = TextTable(["scenario", "field", "lines", "characters wrong", "lines exact"])
        for row in rows {
            table.add([
                row.scenario, row.field ?? "all", grouped(row.lines),
                Self.percent(row.characterErrorRate, digits: 2), Self.percent(row.exact, digits: 1),
            ])
        }
        let confidence = "Confidences (temperature \(String(format: "%.2f", temperature))):"
        return table.lines + ["", confidence] + reliability.lines + [
            "",
            "\(grouped(Int(linesPerSecond))) lines a second of processor time; spaces do not count",
        ]
    }

    static func percent(_ share: Double, digits: Int) -> String {
        String(format: "%.\(digits)f %%", share * 100)
    }
}
