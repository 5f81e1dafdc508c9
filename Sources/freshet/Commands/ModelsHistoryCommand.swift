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
        let store = try effective.modelStore(mustExist: true)
        let model = effective.configuration.model.name
        try store.requireModel(model)
        let reports = try store.actions(of: model).map { ActionReport($0, of: model) }
        let output = LineWriter.standardOutput()
        if json {
            for report in reports { try output.line(JSONOutput.line(report)) }
        } else {
            var table = TextTable([
                "WHEN", "ACTION", "VERSION", "BEFORE", "ALIAS", "BRANCH", "REASON",
            ])
            for report in reports { table.add(report.row) }
            for line in table.lines { try output.line(line) }
        }
        try output.flush()
    }
}
