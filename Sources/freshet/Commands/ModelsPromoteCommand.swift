import ArgumentParser
import ModelStore
import Pipeline

/// `freshet models promote VERSION`: points an alias at a version.
struct ModelsPromoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Point an alias at a version.",
        discussion: """
            Its files are read and checked first. Scorers that serve the alias (scorer.serve) \
            change to the version. Recorded in the store, then told on topic control.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The version's number, \"latest\", or an alias such as champion.")
    var version: String

    @Option(help: ArgumentHelp("The alias.", valueName: "name"))
    var alias = "champion"

    @Option(help: "Why, for the history.")
    var reason = ""

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        let chosen = try store.version(named: version, of: model)
        var check = VersionCheck(store)
        if let failure = try check.look(at: chosen).failure { throw failure }
        try store.setAlias(
            alias,
            of: model,
            to: chosen.number,
            reason: reason,
            at: WallClock.system.now()
        )
        try effective.tellControl(in: store)
        try ActionReport(try store.newestAction(of: model), of: model).write(json: json)
    }
}
