import Foundation
import TextRecognition

/// How well cards are found in synthetic photographs that nothing was trained on.
struct LocatorEvaluation {
    /// What held-out photographs are drawn from unless another seed is given.
    static let defaultSeed: UInt64 = 1_000_001

    /// Photographs of one scenario.
    struct Row: Encodable {
        let scenario: String
        let photographs: Int
        let cards: Int
        /// Intersection over union with the true corners: the mean over cards, 0 for one not found.
        let meanOverlap: Double
        /// The share of cards with more than 0.9 of it.
        let above90Percent: Double
        /// Cards that were not found, or overlap by less than a half.
        let missed: Int
        /// What was found where there is no card.
        let invented: Int
        /// The share of cards whose field `number` is read without an error, spaces left out.
        let numbersExact: Double
    }

    /// What came of it.
    struct Result: Encodable {
        let seed: UInt64
        /// Of one thread, by photograph: to find the cards.
        let milliseconds: Double
        /// To find the cards and read all their fields.
        let readingMilliseconds: Double
        let rows: [Row]
    }

    private let locator: CardLocator
    private let reader: CardReader
    private let seed: UInt64

    /// Takes the weights that find cards; they are read with the base model.
    init(locator: CardLocator, seed: UInt64) throws {
        self.locator = locator
        self.seed = seed
        let model = try RecognizerModel.base()
        reader = CardReader(
            locator: locator,
            recognizer: try model.recognizer(),
            temperature: model.temperature
        )
    }

    /// Looks for cards in `count` photographs of each scenario.
    func run(
        _ scenarios: [CardScenario],
        count: Int,
        until isInterrupted: () -> Bool = { false }
    ) throws -> Result {
        var rows: [Row] = []
        var (seconds, readingSeconds) = (0.0, 0.0)
        var seen = 0
        var progress = Progress("Looking", unit: "photographs", total: scenarios.count * count)
        defer { progress.finish() }
        for scenario in scenarios {
            let generator = try CardGenerator(scenario: scenario, seed: seed)
            var (overlaps, invented, exact) = ([Double](), 0, 0)
            for index in 0..<count {
                if isInterrupted() {
                    throw CommandFailure(
                        .failure,
                        "interrupted after \(grouped(seen)) photographs",
                        remedy: "give a lower --count"
                    )
                }
                let scene = generator.scene(at: index)
                let start = ProcessorTime.seconds()
                let found = locator.cards(in: scene.image).map(\.quad)
                let between = ProcessorTime.seconds()
                let readings = reader.read(scene.image)
                seconds += between - start
                readingSeconds += ProcessorTime.seconds() - between
                exact += scene.cards.count { Self.isNumberRead($0, readings) }
                let matched = Self.match(scene.cards.map(\.quad), found)
                overlaps += matched
                invented += found.count - matched.count { $0 > 0 }
                seen += 1
                progress.update(seen)
            }
            rows.append(Self.row(scenario, count, overlaps, invented, exact))
        }
        func perPhotograph(_ seconds: Double) -> Double {
            (seconds * 100_000 / Double(max(1, seen))).rounded() / 100
        }
        return Result(
            seed: seed,
            milliseconds: perPhotograph(seconds),
            readingMilliseconds: perPhotograph(readingSeconds),
            rows: rows
        )
    }

    /// For each true card the overlap with the card found that fits best and fits no earlier one.
    static func match(_ cards: [Quad], _ found: [Quad]) -> [Double] {
        var left = found
        return cards.map { card in
            let overlaps = left.map { card.intersectionOverUnion($0) }
            guard let best = overlaps.indices.max(by: { overlaps[$0] < overlaps[$1] }),
                overlaps[best] > 0
            else { return 0 }
            left.remove(at: best)
            return overlaps[best]
        }
    }

    /// Whether the card that was found nearest has the number that is printed there.
    private static func isNumberRead(_ card: CardScene.Card, _ readings: [CardReading]) -> Bool {
        let nearest = readings.max {
            $0.quad.intersectionOverUnion(card.quad) < $1.quad.intersectionOverUnion(card.quad)
        }
        let read = nearest?.fields.first { $0.name == "number" }?.reading.text
        let printed = card.fields.first { $0.name == "number" }?.text
        return read?.filter { $0 != " " } == printed?.filter { $0 != " " }
    }

    private static func row(
        _ scenario: CardScenario,
        _ photographs: Int,
        _ overlaps: [Double],
        _ invented: Int,
        _ exact: Int
    ) -> Row {
        let count = Double(max(1, overlaps.count))
        return Row(
            scenario: scenario.rawValue,
            photographs: photographs,
            cards: overlaps.count,
            meanOverlap: overlaps.reduce(0, +) / count,
            above90Percent: Double(overlaps.count { $0 > 0.9 }) / count,
            missed: overlaps.count { $0 < 0.5 },
            invented: invented,
            numbersExact: Double(exact) / count
        )
    }
}

extension LocatorEvaluation.Result {
    /// The result for people.
    var lines: [String] {
        var table = TextTable([
            "scenario", "photographs", "cards", "mean overlap", "above 0.9", "missed", "invented",
            "numbers exact",
        ])
        for row in rows {
            table.add([
                row.scenario, grouped(row.photographs), grouped(row.cards),
                String(format: "%.4f", row.meanOverlap),
                String(format: "%.1f %%", row.above90Percent * 100), grouped(row.missed),
                grouped(row.invented), String(format: "%.1f %%", row.numbersExact * 100),
            ])
        }
        return table.lines + [
            "",
            "\(String(format: "%.1f", milliseconds)) ms of processor time to find the cards of a "
                + "photograph, \(String(format: "%.1f", readingMilliseconds)) ms to read them, too",
        ]
    }
}
