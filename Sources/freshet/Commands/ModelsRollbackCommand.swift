import ArgumentParser
import Learning
import ModelStore
import Pipeline

/// `freshet models rollback`: goes back to a version, or points an alias back.
struct ModelsRollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Go back to a version and learn on from there, or point an alias back.",
        discussion: """
            Events learned since the version are left out; learning goes on with those that come. \
            With --alias learning is not touched: the alias points again at what it pointed at \
            before. Recorded in the store, then told on topic control.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The version's number or an alias; absent with --alias.")
    var version: String?

    @Option(help: ArgumentHelp("Point this alias back to its previous version.", valueName: "name"))
    var alias: String?

    @Option(help: "Why, for the history.")
    var reason = ""

    @Option(
        help: ArgumentHelp(
            "How long to wait until a running trainer goes on from the version.",
            valueName: "duration"
        )
    )
    var wait = TimeSpan(.seconds(10))

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        guard (version == nil) != (alias == nil) else {
            throw ValidationError(
                "rollback takes either a version to learn on from or --alias to point back"
            )
        }
    }

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        let now = WallClock.system.now()
        if let alias {
            _ = try store.revertAlias(alias, of: model, reason: reason, at: now)
        } else if let version {
            let chosen = try store.version(named: version, of: model)
            _ = try store.rollback(model: model, to: chosen.number, reason: reason, at: now)
        }
        let action = try store.newestAction(of: model)
        try effective.tellControl(in: store)
        var report = ActionReport(action, of: model)
        if let epoch = action.epoch {
            report.isTakenUp = try TrainerWait.wait(
                model,
                after: epoch,
                in: store,
                timeout: wait
            )
        }
        try report.write(json: json)
    }
}
