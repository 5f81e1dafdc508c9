import ArgumentParser
import ModelStore
import Pipeline

/// `freshet models export VERSION FILE`: the whole state of a version as one file.
struct ModelsExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the whole state of a version to one safetensors file.",
        discussion: "Puts together what increments hold. Python's safetensors opens the file."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The version's number, \"latest\", or an alias such as champion.")
    var version: String

    @Argument(help: "The file to write.")
    var file: String

    @Flag(help: "Print a JSON object.")
    var json = false

    /// What was written.
    private struct Export: Encodable {
        let model: String
        let version: Int64
        let file: String
        let bytes: Int64
        let hash: String
    }

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        let chosen = try store.version(named: version, of: model)
        let state = try WholeState(try VersionLearner.load(chosen, from: store).tensors)
        try StateFile.write(state.file, to: file)
        let export = Export(
            model: model,
            version: chosen.number,
            file: file,
            bytes: Int64(state.file.reduce(0) { $0 + $1.count }),
            hash: state.hash
        )
        try StandardOutput.print(
            export,
            json: json,
            [
                "version \(export.version) written to \(file): \(readableSize(export.bytes)), "
                    + "SHA-256 \(export.hash)"
            ]
        )
    }
}
