import ArgumentParser
import ModelStore

/// `freshet models prune`: deletes the files of old versions.
struct ModelsPruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete the files of old versions; they stay listed and can be rebuilt.",
        discussion: """
            Kept are the newest versions, those that aliases point at, the one that the model's \
            branch begins with, and all that these add to.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(
        help: ArgumentHelp(
            "How many of the newest versions keep their files, in place of store.keep_versions.",
            valueName: "count"
        )
    )
    var keep: Int?

    @Flag(help: "Only show what would be done.")
    var dryRun = false

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        guard let keep, keep < 1 else { return }
        throw ValidationError("--keep \(keep) would keep no version: keep at least 1")
    }

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        let policy = RetentionPolicy(newest: keep ?? effective.configuration.store.keepVersions)
        var summary: PruneSummary
        if dryRun {
            let plan = try store.prunable(model: model, keep: policy)
            summary = PruneSummary(model: model, isDryRun: true, kept: plan.kept)
            summary.pruned = try plan.pruned.map { try needs($0, model, store) }
        } else {
            let report = try store.prune(model: model, keep: policy)
            summary = PruneSummary(model: model, isDryRun: false, kept: report.kept)
            summary.pruned = try report.pruned.map { try needs($0, model, store) }
            summary.deletedFiles = report.deletedFileCount
            summary.freedBytes = report.freedByteCount
        }
        try StandardOutput.print(summary, json: json, summary.lines)
    }

    private func needs(
        _ number: Int64,
        _ model: String,
        _ store: ModelStore
    ) throws -> PruneSummary.Pruned {
        let version = try store.version(named: "\(number)", of: model)
        let ranges = try store.lineage(of: version).flatMap(\.ranges)
        return PruneSummary.Pruned(
            version: number,
            offsets: ranges.reduce(0) { $0 + $1.count }
        )
    }
}

/// What pruning did or would do, for people and for scripts.
struct PruneSummary: Encodable {
    /// A version without files.
    struct Pruned: Encodable {
        let version: Int64
        /// How many offsets of the log it takes to rebuild it.
        let offsets: Int64
    }

    let model: String
    let isDryRun: Bool
    let kept: [Int64]
    var pruned: [Pruned] = []
    var deletedFiles = 0
    var freedBytes: Int64 = 0

    private enum CodingKeys: String, CodingKey {
        case model, kept, pruned, deletedFiles, freedBytes
        case isDryRun = "dryRun"
    }

    init(model: String, isDryRun: Bool, kept: [Int64]) {
        self.model = model
        self.isDryRun = isDryRun
        self.kept = kept
    }

    var lines: [String] {
        let verb = isDryRun ? "would lose its files" : "has lost its files"
        var lines = pruned.map {
            "version \($0.version) \(verb); \"freshet models rebuild \($0.version)\" learns "
                + "\(grouped($0.offsets)) offsets, while the log holds them"
        }
        if pruned.isEmpty { lines.append("no version to prune") }
        lines.append("kept: \(kept.map(String.init).joined(separator: ", "))")
        if !isDryRun {
            lines.append("\(deletedFiles) files deleted, \(readableSize(freedBytes)) freed")
        }
        return lines
    }
}
