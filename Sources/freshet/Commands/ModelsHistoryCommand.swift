import ArgumentParser
import ModelStore

/// `freshet models history`: what operators did to a model.
struct ModelsHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show what operators did to the model, the oldest first."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print a JSON object a line.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        let reports = try store.actions(of: model).map { ActionReport($0, of: model) }
        try StandardOutput.print(
            each: reports,
            json: json,
            TextTable(
                ["WHEN", "ACTION", "VERSION", "BEFORE", "ALIAS", "BRANCH", "REASON"],
                reports.map(\.row)
            ).lines
        )
    }
}
