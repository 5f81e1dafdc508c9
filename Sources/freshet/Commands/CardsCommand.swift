import ArgumentParser

/// `freshet cards`: synthetic cards for the text recognizer.
struct CardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cards",
        abstract: "Make synthetic lines and photographs of cards.",
        subcommands: [CardsGenerateCommand.self]
    )
}
