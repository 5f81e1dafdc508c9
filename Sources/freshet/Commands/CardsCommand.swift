import ArgumentParser

/// `freshet cards`: synthetic cards, and the text recognizer's base model.
struct CardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cards",
        abstract: "Make synthetic lines and photographs of cards, and a model that reads them.",
        subcommands: [
            CardsGenerateCommand.self, CardsPretrainCommand.self, CardsEvaluateCommand.self,
        ]
    )
}
