import ArgumentParser

/// `freshet config`: the configuration that holds.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show or check the configuration.",
        subcommands: [ConfigShowCommand.self, ConfigCheckCommand.self]
    )
}

/// `freshet config show`: each value and who set it.
struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print every key, its value, and where the value comes from."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print a JSON object a line: key, value, origin.")
    var json = false

    func run() throws {
        let listing = ConfigurationListing(try common.load())
        try StandardOutput.print(each: listing.entries, json: json, [listing.yaml])
    }
}

/// `freshet config check`: says whether the configuration can be used.
struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration and the topic declarations; exit status 2 if wrong."
    )

    @OptionGroup var common: CommonOptions

    func run() throws {
        let effective = try common.load()
        let declarations = try effective.topicDeclarations()
        let file = effective.file ?? "no file, defaults only"
        let count = declarations.declarations.count
        try StandardOutput.print([
            "the configuration is right (\(file)), and so are \(count) topics "
                + "(\(declarations.source))"
        ])
    }
}
