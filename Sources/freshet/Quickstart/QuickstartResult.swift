import Foundation
import Learning
import Pipeline

/// What a quickstart found, for people and for scripts.
struct QuickstartResult: Encodable, Sendable {
    /// The requests of the live part.
    struct Questions: Encodable, Sendable {
        var asked = 0
        var answered = 0
        var milliseconds: [Double] = []
        var example: Recommendation?

        mutating func add(_ answer: Recommendation?, after elapsed: Duration) {
            asked += 1
            guard let answer, answer.error == nil else { return }
            answered += 1
            milliseconds.append(elapsed / .milliseconds(1))
            example = answer
        }

        /// A quantile of the times to an answer; 0 without answers.
        func quantile(_ share: Double) -> Double {
            let sorted = milliseconds.sorted()
            guard !sorted.isEmpty else { return 0 }
            return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
        }

        private enum CodingKeys: String, CodingKey { case asked, answered }
    }

    let sent: Int
    let learned: Int64
    let rejected: Int64
    let eventsPerSecond: Double
    let metrics: [String: Double]
    let versionsPublished: Int
    let versionsPickedUp: Int
    let deltas: Int64
    let freshnessP50: Int64
    let freshnessP99: Int64
    let freshnessEvents: Int64
    let questions: Questions
    private let origin: String

    private enum CodingKeys: String, CodingKey {
        case sent, learned, rejected, metrics, deltas, questions
        case eventsPerSecond = "events_per_second"
        case versionsPublished = "versions_published"
        case versionsPickedUp = "versions_picked_up"
        case freshnessP50 = "freshness_p50_ms"
        case freshnessP99 = "freshness_p99_ms"
        case freshnessEvents = "freshness_events"
    }

    init(
        origin: String,
        sent: Int,
        learned: Int64,
        rejected: Int64,
        eventsPerSecond: Double,
        metrics: [Metric],
        versionsPublished: Int,
        versionsPickedUp: Int,
        deltas: Int64,
        freshness: FreshnessSummary,
        questions: Questions
    ) {
        self.origin = origin
        self.sent = sent
        self.learned = learned
        self.rejected = rejected
        self.eventsPerSecond = eventsPerSecond
        var named: [String: Double] = [:]
        for metric in metrics where metric.value.isFinite { named[metric.name] = metric.value }
        self.metrics = named
        self.versionsPublished = versionsPublished
        self.versionsPickedUp = versionsPickedUp
        self.deltas = deltas
        freshnessP50 = freshness.p50
        freshnessP99 = freshness.p99
        freshnessEvents = freshness.count
        self.questions = questions
    }

    /// The result for people.
    func text(directory: String) -> String {
        var lines = [
            "",
            "Freshet learned \(grouped(learned)) of \(grouped(sent)) events (\(origin)).",
            "",
            row("learning", "\(grouped(Int(eventsPerSecond))) events/s through the broker"),
        ]
        if let recall = metrics["recall@10"], let popular = metrics["popularity.recall@10"] {
            lines.append(
                row(
                    "recall@10, prequential",
                    String(format: "%.3f   (decayed popularity: %.3f)", recall, popular)
                )
            )
        }
        if let error = metrics["rmse"] {
            lines.append(row("RMSE, prequential", String(format: "%.3f", error)))
        }
        lines += [
            row(
                "model versions",
                "\(versionsPublished) published, \(versionsPickedUp) picked up live, "
                    + "\(grouped(deltas)) deltas between them"
            ),
            row(
                "event to servable",
                "p50 \(freshnessP50) ms, p99 \(freshnessP99) ms "
                    + "(\(grouped(freshnessEvents)) live events)"
            ),
            row(
                "requests",
                "\(questions.answered) of \(questions.asked) answered, "
                    + String(
                        format: "p50 %.1f ms, p99 %.1f ms",
                        questions.quantile(0.5),
                        questions.quantile(0.99)
                    )
            ),
            row("kept in", directory),
        ]
        if let example = questions.example, let items = example.items {
            let list = items.map(\.item).joined(separator: ", ")
            lines += ["", "The last answer: user \(example.user ?? "?") may like \(list)."]
        }
        lines += [
            "",
            "Next: \"freshet up\" keeps it running; README.md shows how to send your own events.",
            "      freshet models list --store \(directory)/store",
        ]
        return lines.joined(separator: "\n")
    }

    private func row(_ name: String, _ value: String) -> String {
        "  \(name.padding(toLength: 24, withPad: " ", startingAt: 0))\(value)"
    }
}
