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
    }

    /// What came of it.
    struct Result: Encodable {
        let seed: UInt64
        /// Of one thread, by photograph.
        let milliseconds: Double
        let rows: [Row]
    }

    let locator: CardLocator
    let seed: UInt64

    /// Looks for cards in `count` photographs of each scenario.
    func run(
        _ scenarios: [CardScenario],
        count: Int,
        until isInterrupted: () -> Bool = { false }
    ) throws -> Result {
        var rows: [Row] = []
        var seconds = 0.0
        var seen = 0
        var progress = Progress("Looking", unit: "photographs", total: scenarios.count * count)
        defer { progress.finish() }
        for scenario in scenarios {
            let generator = try CardGenerator(scenario: scenario, seed: seed)
            var (overlaps, invented) = ([Double](), 0)
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
                seconds += ProcessorTime.seconds() - start
                let matched = Self.match(scene.cards.map(\.quad), found)
                overlaps += matched
                invented += found.count - matched.count { $0 > 0 }
                seen += 1
                progress.update(seen)
            }
            rows.append(Self.row(scenario, count, overlaps, invented))
        }
        let milliseconds = seconds * 1000 / Double(max(1, seen))
        return Result(
            seed: seed,
            milliseconds: (milliseconds * 100).rounded() / 100,
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

    private static func row(
        _ scenario: CardScenario,
        _ photographs: Int,
        _ overlaps: [Double],
        _ invented: Int
    ) -> Row {
        let count = Double(max(1, overlaps.count))
        return Row(
            scenario: scenario.rawValue,
            photographs: photographs,
            cards: overlaps.count,
            meanOverlap: overlaps.reduce(0, +) / count,
            above90Percent: Double(overlaps.count { $0 > 0.9 }) / count,
            missed: overlaps.count { $0 < 0.5 },
            invented: invented
        )
    }
}

extension LocatorEvaluation.Result {
    /// The result for people.
    var lines: [String] {
        var table = TextTable([
            "scenario", "photographs", "cards", "mean overlap", "above 0.9", "missed", "invented",
        ])
        for row in rows {
            table.add([
                row.scenario, grouped(row.photographs), grouped(row.cards),
                String(format: "%.4f", row.meanOverlap),
                String(format: "%.1f %%", row.above90Percent * 100), grouped(row.missed),
                grouped(row.invented),
            ])
        }
        return table.lines + [
            "", "\(String(format: "%.1f", milliseconds)) ms of processor time a photograph",
        ]
    }
}
