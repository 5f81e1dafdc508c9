import ArgumentParser
import Foundation
import Learning
import TextRecognition

/// `freshet cards evaluate`: how well a model reads synthetic lines.
struct CardsEvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Read synthetic lines with a base model, and count errors.",
        discussion: """
            Characters wrong: exchanges, deletions and insertions by characters that stand there, \
            spaces left out. Right beside confidence says whether confidences can be believed.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(
        help: ArgumentHelp(
            "A file that freshet cards pretrain wrote, in place of the model that comes with "
                + "Freshet.",
            valueName: "file"
        )
    )
    var weights: String?

    @Option(
        name: .customLong("scenario"),
        help: "What lines and camera are like; several times. Default: all."
    )
    var scenarios: [CardScenario] = []

    @Option(help: "Lines of each scenario, at most 10,000,000.")
    var count = 1000

    @Option(help: "What the lines are drawn from; another one than the model's.")
    var seed = LineEvaluation.defaultSeed

    @Flag(help: "Read fields cut out of photographs of cards in place of lines.")
    var cards = false

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        if !(1...10_000_000).contains(count) {
            throw ValidationError("--count is \(count), expected 1 to 10000000")
        }
    }

    func run() throws {
        _ = try common.load()
        let evaluation = try LineEvaluation(model: try model(), seed: seed, cards: cards)
        let interruption = Interruption()
        let result = try evaluation.run(
            scenarios.isEmpty ? CardScenario.allCases : scenarios,
            count: count,
            until: { interruption.isRequested }
        )
        try StandardOutput.print(result, json: json, result.lines)
    }

    private func model() throws -> RecognizerModel {
        guard let weights else { return try RecognizerModel.base() }
        do {
            return try RecognizerModel(bytes: [UInt8](try Data(contentsOf: URL(filePath: weights))))
        } catch let error as LearningError {
            throw CommandFailure(
                .failure,
                "\(weights): \(error.message)",
                remedy: error.remedy
            )
        } catch {
            throw CommandFailure(
                .failure,
                "\(weights) cannot be read (\(error.localizedDescription))",
                remedy: "name a file that is there"
            )
        }
    }
}
