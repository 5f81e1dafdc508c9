import Foundation
import Pipeline
import TextRecognition

/// What `quickstart --model cards` found, for people and for scripts.
struct CardsQuickstartResult: Encodable, Sendable {
    /// How well lines are read.
    struct Figures: Encodable, Sendable {
        let lines: Int
        let characterErrorRate: Double
        let exact: Double

        init(_ errors: ReadingErrors) {
            lines = errors.lineCount
            characterErrorRate = errors.characterErrorRate
            exact = errors.exactShare
        }
    }

    /// After some labels.
    struct Stage: Encodable, Sendable {
        let labels: Int
        let new: Figures
        let old: Figures

        init(labels: Int, new: ReadingErrors, old: ReadingErrors) {
            self.labels = labels
            self.new = Figures(new)
            self.old = Figures(old)
        }
    }

    let scenario: String
    var stages: [Stage] = []
    var versionsPublished = 0
    private(set) var freshnessP50: Int64 = 0
    private(set) var freshnessP99: Int64 = 0
    private(set) var idleP50: Double = 0
    private(set) var idleP99: Double = 0
    private(set) var busyP50: Double = 0
    private(set) var busyP99: Double = 0

    private enum CodingKeys: String, CodingKey {
        case scenario, stages
        case versionsPublished = "versions_published"
        case freshnessP50 = "freshness_p50_ms"
        case freshnessP99 = "freshness_p99_ms"
        case idleP50 = "idle_p50_ms"
        case idleP99 = "idle_p99_ms"
        case busyP50 = "busy_p50_ms"
        case busyP99 = "busy_p99_ms"
    }

    /// Nothing found yet.
    init(scenario: CardScenario) { self.scenario = scenario.rawValue }

    /// Takes over the times of answers, and how fresh the model was.
    mutating func take(_ exam: CardsExam, _ status: ScorerStatus) {
        (freshnessP50, freshnessP99) = (status.freshness.p50, status.freshness.p99)
        (idleP50, idleP99) = (exam.idleTimes.quantile(0.5), exam.idleTimes.quantile(0.99))
        (busyP50, busyP99) = (exam.busyTimes.quantile(0.5), exam.busyTimes.quantile(0.99))
    }

    /// The result for people.
    func text(directory: String) -> String {
        var table = TextTable([
            "labels", "\(scenario): wrong characters", "whole lines right",
            "base: wrong characters", "whole lines right",
        ])
        for stage in stages {
            table.add(
                [grouped(stage.labels)]
                    + [stage.new, stage.old].flatMap {
                        [percent($0.characterErrorRate), percent($0.exact)]
                    }
            )
        }
        let labels = stages.last?.labels ?? 0
        let lines = stages.last?.new.lines ?? 0
        let head = [
            "",
            "Freshet learned to read \"\(scenario)\" from \(grouped(labels)) labels; \(grouped(lines)) "
                + "lines of each kind were read that it never learned.",
            "",
        ]
        let tail = [
            "",
            "  label to servable       p50 \(freshnessP50) ms, p99 \(freshnessP99) ms, sent 16 at a time",
            "  answers, nothing learned  " + times(idleP50, idleP99),
            "  answers, while learning   " + times(busyP50, busyP99),
            "  model versions          \(versionsPublished)",
            "  kept in                 \(directory)",
            "",
            "Next: freshet read IMAGE --model cards --store \(directory)/store; docs/text.md shows how to send labels.",
        ]
        return (head + table.lines.map { "  " + $0 } + tail).joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }

    private func times(_ p50: Double, _ p99: Double) -> String {
        String(format: "p50 %.1f ms, p99 %.1f ms", p50, p99)
    }
}
