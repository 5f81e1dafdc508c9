import ArgumentParser
import Foundation
import ModelStore

/// `freshet models`: what is in the model store, and what operators do with it.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Look at the versions of models, check, rebuild, compare and choose them.",
        subcommands: [
            ModelsListCommand.self,
            ModelsShowCommand.self,
            ModelsVerifyCommand.self,
            ModelsRebuildCommand.self,
            ModelsDiffCommand.self,
            ModelsPromoteCommand.self,
            ModelsRollbackCommand.self,
            ModelsWhyCommand.self,
            ModelsPruneCommand.self,
            ModelsExportCommand.self,
            ModelsHistoryCommand.self,
        ]
    )
}

/// `freshet models list`: every version of every model.
struct ModelsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the versions of all models, or with --model those of one."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print a JSON object a line.")
    var json = false

    func run() throws {
        let store = try common.load().modelStore(mustExist: true)
        let names = try common.model.map { [$0] } ?? store.models()
        var descriptions: [VersionDescription] = []
        for name in names { descriptions += try VersionDescription.all(of: name, in: store) }
        try StandardOutput.print(
            each: descriptions,
            json: json,
            TextTable(
                ["MODEL", "VERSION", "CREATED", "KIND", "EVENTS", "SIZE", "QUALITY", "STATE"],
                descriptions.map(\.row)
            ).lines
        )
    }
}

/// `freshet models show VERSION`: all that is recorded of one version.
struct ModelsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all that is recorded of one version."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The version's number, \"latest\", or an alias such as champion.")
    var version: String

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let store = try effective.modelStore(mustExist: true)
        let model = effective.configuration.model.name
        let chosen = try store.version(named: version, of: model)
        let all = try VersionDescription.all(of: model, in: store)
        guard let description = all.first(where: { $0.version == chosen.number }) else { return }
        try StandardOutput.print(description, json: json, description.lines)
    }
}

/// One version of a model as people and scripts read it.
struct VersionDescription: Encodable {
    var model: String
    var version: Int64
    var parent: Int64?
    var kind: String
    var createdAt: Int64
    var epoch: Int64
    var sequence: Int64
    var watermark: Int64
    var eventCount: Int64
    var journalPosition: Int64
    var nextOffsets: [OffsetPosition]
    var metrics: [String: Double]
    var metricOrder: [String]
    var settings: JSONDocument
    var codeRevision: String
    var blob: BlobReference
    var base: Int64?
    var branch: Int64
    var pruned: Bool
    var path: String
    var aliases: [String]
    var problem: String?

    private enum CodingKeys: String, CodingKey {
        case model, version, parent, kind, createdAt, epoch, sequence, watermark, eventCount
        case journalPosition, nextOffsets, metrics, settings, codeRevision, blob, base, branch
        case pruned, path, aliases, problem
    }

    /// Every version of a model, in ascending order.
    static func all(of model: String, in store: ModelStore) throws -> [VersionDescription] {
        let aliases = try store.aliases(of: model)
        let damaged = try store.damagedVersions(of: model)
        return try store.versions(of: model).map { version in
            VersionDescription(
                version,
                path: store.blobPath(version.blob),
                aliases: aliases.filter { $0.version == version.number }.map(\.name),
                problem: damaged.first { $0.version.number == version.number }?.problem.message
            )
        }
    }

    private init(_ version: ModelVersion, path: String, aliases: [String], problem: String?) {
        model = version.model
        self.version = version.number
        parent = version.parent
        kind = version.kind.rawValue
        createdAt = version.createdAt
        epoch = version.epoch
        sequence = version.sequence
        watermark = version.watermark
        eventCount = version.eventCount
        journalPosition = version.journalPosition
        nextOffsets = version.nextOffsets
        metrics = Dictionary(
            version.metrics.map { ($0.name, $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
        metricOrder = version.metrics.map(\.name)
        settings =
            (try? JSONDecoder().decode(JSONDocument.self, from: Data(version.settings.utf8)))
            ?? .text(version.settings)
        codeRevision = version.codeRevision
        blob = version.blob
        base = version.base
        branch = version.branch
        pruned = version.isPruned
        self.path = path
        self.aliases = aliases
        self.problem = problem
    }

    /// What a model is judged by: ranked lists, or predicted ratings.
    private static let mainMetrics = ["recall@10", "rmse"]

    /// A row of the list.
    var row: [String] {
        let quality =
            Self.mainMetrics.first { metrics[$0] != nil }.map {
                "\($0) \(Self.text(metrics[$0] ?? .nan))"
            } ?? "-"
        let state =
            pruned ? "pruned" : problem == nil ? aliases.joined(separator: ",") : "damaged"
        return [
            model, "\(version)", Self.time(createdAt), kind, grouped(eventCount),
            readableSize(blob.byteCount), quality, state,
        ]
    }

    /// Everything, one thing a line.
    var lines: [String] {
        var lines = [
            "model       \(model)", "version     \(version)",
            "parent      \(parent.map(String.init) ?? "none")", "kind        \(kind)",
            "created     \(Self.time(createdAt))",
            "aliases     "
                + (aliases.isEmpty ? "none" : aliases.joined(separator: ", ")),
            "events      \(grouped(eventCount))",
            "watermark   \(watermark < 0 ? "none" : Self.time(watermark))",
            "epoch       \(epoch), sequence \(sequence), journal position \(journalPosition), "
                + "branch \(branch)",
            "code        \(codeRevision)",
            "file        \(pruned ? "pruned" : path)"
                + (base.map { ", adds to version \($0)" } ?? ""),
            "size        \(readableSize(blob.byteCount)), SHA-256 \(blob.hash)",
        ]
        if let problem { lines.append("damaged     \(problem)") }
        lines.append("next offsets")
        lines += nextOffsets.map { "  \($0.topic)[\($0.partition)]  \($0.offset)" }
        lines.append("metrics")
        lines += metricOrder.map { "  \($0)  \(Self.text(metrics[$0] ?? .nan))" }
        lines.append("settings")
        lines.append("  \((try? JSONOutput.line(settings)) ?? "?")")
        return lines
    }

    static func text(_ value: Double) -> String {
        value.isFinite ? String(format: "%.4f", value) : "not yet"
    }

    static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}
