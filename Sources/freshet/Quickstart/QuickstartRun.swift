import Foundation
import Learning
import Logging
import Pipeline
import Recommendation
import Streaming

/// The steps of a quickstart against a broker that runs.
struct QuickstartRun {
    let effective: EffectiveConfiguration
    let logger: Logger
    let interruption: Interruption
    let file: String?
    let historyCount: Int
    let liveSeconds: Int
    let liveRate: Int

    /// Topics, trainer and scorer; history; live events with requests; the last version.
    func run() async throws -> QuickstartResult {
        let effective = effective
        try await onOwnThread("topics") {
            try effective.verifyTopics(applying: true, waitingUntil: { false })
        }
        let trainer = TrainerLoop.start(effective, logger: logger)
        let scorer = ScorerLoop.start(effective, logger: logger)
        do {
            let result = try await stream(trainer, scorer)
            try await scorer.finish()
            return result
        } catch {
            // The loop that failed tells more than whoever waited for it.
            let cause = trainer.error ?? scorer.error
            try? await trainer.finish()
            try? await scorer.finish()
            throw cause ?? error
        }
    }

    private func stream(
        _ trainer: Loop<TrainerStatus>,
        _ scorer: Loop<ScorerStatus>
    ) async throws -> QuickstartResult {
        try await wait(for: "the scorer", trainer, scorer) { scorer.status.isServing }
        let settings = effective.configuration.model.settings as? RecommenderSettings
        let events = try QuickstartEvents(
            file: file,
            historyCount: historyCount,
            hasRatings: settings?.feedback == .explicit
        )
        Messages.note("streaming \(grouped(events.historyCount)) events (\(events.origin))")
        let begin = ContinuousClock.now
        let sent = try await send(
            events,
            count: events.historyCount,
            pace: .unlimited,
            stampsNow: false
        )
        try await wait(for: "the trainer", trainer, scorer) {
            trainer.status.eventCount + trainer.status.rejectedCount >= Int64(sent)
        }
        let learning = ContinuousClock.now - begin
        Messages.note(
            "\(grouped(liveRate)) live events per second for \(liveSeconds) s, and requests"
        )
        async let live = send(
            events,
            count: liveRate * liveSeconds,
            pace: .rate(Double(liveRate)),
            stampsNow: true
        )
        let questions = try await ask(events.users, while: liveSeconds)
        let total = sent + (try await live)
        try await wait(for: "the trainer", trainer, scorer) {
            trainer.status.eventCount + trainer.status.rejectedCount >= Int64(total)
        }
        try await trainer.finish()
        let last = trainer.status
        try await wait(for: "the scorer", nil, scorer) { scorer.status.version == last.version }
        return QuickstartResult(
            origin: events.origin,
            sent: total,
            learned: last.eventCount,
            rejected: last.rejectedCount,
            eventsPerSecond: Double(sent) / (learning / .seconds(1)),
            metrics: last.metrics,
            versionsPublished: last.versionsPublished,
            versionsPickedUp: scorer.status.versionsPickedUp,
            deltas: scorer.status.deltasApplied,
            freshness: scorer.status.freshness,
            questions: questions
        )
    }

    private static let interrupted = CommandFailure(
        .failure,
        "interrupted",
        remedy: "run it again for the result"
    )

    /// Sends events on a thread of its own, since the producer's calls block.
    private func send(
        _ events: QuickstartEvents,
        count: Int,
        pace: Pacer.Pace,
        stampsNow: Bool
    ) async throws -> Int {
        let (effective, interruption) = (effective, interruption)
        return try await onOwnThread("events") {
            let output = try TopicOutput(
                topic: effective.topicNames.interactions,
                settings: effective.kafkaSettings,
                interruption: interruption
            )
            let transfer = EventTransfer(
                pace: pace,
                stampsNow: stampsNow,
                total: count,
                interruption: interruption
            )
            var left = count
            let summary = try transfer.run(
                {
                    guard left > 0 else { return nil }
                    left -= 1
                    return try events.next()
                },
                to: output
            )
            if summary.isInterrupted { throw Self.interrupted }
            return summary.count
        }
    }

    /// Asks for recommendations ten times a second, on a thread of its own.
    private func ask(_ users: [String], while seconds: Int) async throws
        -> QuickstartResult.Questions
    {
        let (effective, interruption) = (effective, interruption)
        return try await onOwnThread("requests") {
            let client = try RequestClient(effective, of: .recommender)
            var questions = QuickstartResult.Questions()
            let end = ContinuousClock.now + .seconds(seconds)
            var index = 0
            while ContinuousClock.now < end, !interruption.isRequested {
                let asked = ContinuousClock.now
                let answer = try client.ask(
                    RecommendationRequest(
                        request: "quickstart-\(index)",
                        user: users[index % users.count],
                        count: 5
                    ),
                    timeout: .seconds(10)
                )
                questions.add(answer?.recommendation, after: ContinuousClock.now - asked)
                index += 1
                Thread.sleep(forTimeInterval: 0.1)
            }
            return questions
        }
    }

    /// Waits for a condition; throws when a loop fails or nothing is learned for two minutes.
    private func wait(
        for what: String,
        _ trainer: Loop<TrainerStatus>?,
        _ scorer: Loop<ScorerStatus>,
        until isTrue: () -> Bool
    ) async throws {
        var progress = Progress("Learned", unit: "events", total: nil)
        defer { progress.finish() }
        var deadline = ContinuousClock.now + .seconds(120)
        var learned: Int64 = 0
        while !isTrue() {
            if let error = trainer?.error ?? scorer.error { throw error }
            if interruption.isRequested { throw Self.interrupted }
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .failure,
                    "\(what) did not get there within 120 s",
                    remedy: "try again with fewer --events, or with --set log.level=debug"
                )
            }
            if let count = trainer?.status.eventCount, count != learned {
                learned = count
                deadline = ContinuousClock.now + .seconds(120)
                progress.update(Int(count))
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
