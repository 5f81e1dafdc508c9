import Foundation
import Logging
import Pipeline
import TextRecognition

/// The steps of `quickstart --model cards` against a broker that runs: a reader of one kind of print
/// meets another, and learns it from labels without forgetting the old.
struct CardsQuickstartRun {
    let effective: EffectiveConfiguration
    let logger: Logger
    let interruption: Interruption
    let scenario: CardScenario
    let labelCount: Int
    let lineCount: Int

    /// Labels sent at a time: as many as are learned together.
    private static let batchSize = 16

    /// Topics, trainer and scorer; how well both kinds of lines are read, between labels.
    func run() async throws -> CardsQuickstartResult {
        let effective = effective
        try await onOwnThread("topics") {
            try effective.verifyTopics(applying: true, waitingUntil: { false })
        }
        let trainer = TrainerLoop.start(effective, logger: logger)
        let scorer = ScorerLoop.start(effective, logger: logger)
        do {
            let run = self
            var result = try await onOwnThread("exam") { try run.teach(trainer, scorer) }
            try await trainer.finish()
            result.versionsPublished = trainer.status.versionsPublished
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

    private func teach(
        _ trainer: Loop<TrainerStatus>,
        _ scorer: Loop<ScorerStatus>
    ) throws -> CardsQuickstartResult {
        let interruption = interruption
        let exam = try CardsExam(effective, scenario) {
            if let error = trainer.error ?? scorer.error { throw error }
            guard interruption.isRequested else { return }
            throw CommandFailure(.failure, "interrupted", remedy: "run it again for the result")
        }
        let old = try CardsExam.Sheet(.base, count: lineCount)
        let new = try CardsExam.Sheet(scenario, count: lineCount)
        var result = CardsQuickstartResult(scenario: scenario)
        var progress = Progress("Learned", unit: "labels", total: labelCount)
        defer { progress.finish() }
        var learned = 0
        while true {
            if Self.isExamined(learned) || learned == labelCount {
                result.stages.append(
                    CardsQuickstartResult.Stage(
                        labels: learned,
                        new: try exam.read(new),
                        old: try exam.read(old)
                    )
                )
            }
            guard learned < labelCount else { break }
            let count = min(Self.batchSize, labelCount - learned)
            try exam.learn(count, asking: new)
            learned += count
            progress.update(learned)
        }
        result.take(exam, scorer.status)
        return result
    }

    /// Before the first label, and after 32 labels, 64, 128 and so on.
    private static func isExamined(_ count: Int) -> Bool {
        count == 0 || count >= 32 && count & (count - 1) == 0
    }
}
