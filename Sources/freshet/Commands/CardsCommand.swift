import ArgumentParser

/// `freshet cards`: synthetic cards, and the text recognizer's base model.
struct CardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cards",
        abstract: "Make synthetic cards, and weights that find and read them.",
        subcommands: [
            CardsGenerateCommand.self, CardsPretrainCommand.self, CardsEvaluateCommand.self,
            CardsPretrainLocatorCommand.self, CardsEvaluateLocatorCommand.self,
        ]
    )
}
