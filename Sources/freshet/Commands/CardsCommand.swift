import ArgumentParser

/// `freshet cards`: synthetic cards for the text recognizer.
struct CardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cards",
        abstract: "Make synthetic lines and photographs of cards, and weights that find cards.",
        subcommands: [
            CardsGenerateCommand.self, CardsPretrainLocatorCommand.self,
            CardsEvaluateLocatorCommand.self,
        ]
    )
}
