import ArgumentParser
import Foundation
import Learning
import TextRecognition

/// `freshet cards evaluate-locator`: how well cards are found in synthetic photographs.
struct CardsEvaluateLocatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate-locator",
        abstract: "Look for cards in synthetic photographs, and compare with where they are.",
        discussion: """
            Overlap is the area that the card found and the true one share by the area of both \
            together. Some photographs show no card, some several. Numbers are read with the base \
            model of the recognizer.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(
        help: ArgumentHelp(
            "A file that freshet cards pretrain-locator wrote, in place of the weights that come "
                + "with Freshet.",
            valueName: "file"
        )
    )
    var weights: String?

    @Option(
        name: .customLong("scenario"),
        help: "What cards and camera are like; several times. Default: all."
    )
    var scenarios: [CardScenario] = []

    @Option(help: "Photographs of each scenario, at most 10,000,000.")
    var count = 200

    @Option(help: "What the photographs are drawn from; another one than the weights'.")
    var seed = LocatorEvaluation.defaultSeed

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        if !(1...10_000_000).contains(count) {
            throw ValidationError("--count is \(count), expected 1 to 10000000")
        }
    }

    func run() throws {
        _ = try common.load()
        let evaluation = try LocatorEvaluation(locator: try locator(), seed: seed)
        let interruption = Interruption()
        let result = try evaluation.run(
            scenarios.isEmpty ? CardScenario.allCases : scenarios,
            count: count,
            until: { interruption.isRequested }
        )
        try StandardOutput.print(result, json: json, result.lines)
    }

    private func locator() throws -> CardLocator {
        guard let weights else { return try CardLocator.base() }
        do {
            return try CardLocator(bytes: [UInt8](try Data(contentsOf: URL(filePath: weights))))
        } catch let error as LearningError {
            throw CommandFailure(.failure, "\(weights): \(error.message)", remedy: error.remedy)
        } catch {
            throw CommandFailure(
                .failure,
                "\(weights) cannot be read (\(error.localizedDescription))",
                remedy: "name a file that is there"
            )
        }
    }
}
