import ArgumentParser
import Foundation
import Learning
import ModelStore

/// `freshet models diff A B`: what is different between two versions.
struct ModelsDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two versions: users and items that moved most, came or went; metrics.",
        discussion: "How far one moved is the Euclidean distance of its factors."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "A version's number, \"latest\", or an alias such as champion.")
    var first: String

    @Argument(help: "The version to compare it with.")
    var second: String

    @Option(help: "How many users and items to name at most.")
    var top = 10

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        guard top >= 0 else { throw ValidationError("--top \(top) is negative") }
    }

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        let before = try store.version(named: first, of: model)
        let after = try store.version(named: second, of: model)
        let old = try VersionLearner.load(before, from: store)
        let new = try VersionLearner.load(after, from: store)
        let difference = VersionDifference(
            before,
            after,
            try StateDifference(
                from: old.tensors,
                to: new.tensors,
                layout: new.layout,
                limit: top
            )
        )
        try StandardOutput.print(difference, json: json, difference.lines)
    }
}

/// The difference between two versions as people and scripts read it.
struct VersionDifference: Encodable {
    /// A figure of both; nil where one has none.
    struct Figure: Encodable {
        let name: String
        let first: Double?
        let second: Double?
    }

    let model: String
    let first: Int64
    let second: Int64
    let events: [Int64]
    let tables: [StateDifference.Table]
    let metrics: [Figure]

    init(_ before: ModelVersion, _ after: ModelVersion, _ difference: StateDifference) {
        func value(_ name: String, _ version: ModelVersion) -> Double? {
            version.metrics.first { $0.name == name }.map(\.value).flatMap {
                $0.isFinite ? $0 : nil
            }
        }
        model = before.model
        first = before.number
        second = after.number
        events = [before.eventCount, after.eventCount]
        tables = difference.tables
        var names = before.metrics.map(\.name)
        names += after.metrics.map(\.name).filter { !names.contains($0) }
        metrics = names.map {
            Figure(name: $0, first: value($0, before), second: value($0, after))
        }
    }

    var lines: [String] {
        var lines: [String] = []
        for table in tables {
            lines.append(
                "\(table.name): \(grouped(table.movedCount)) of \(grouped(table.commonCount)) moved, "
                    + "\(grouped(table.addedCount)) new, \(grouped(table.removedCount)) gone"
            )
            lines += table.moved.map { "  \($0.id)  moved \(String(format: "%.6f", $0.distance))" }
            lines += table.added.map { "  \($0)  new" }
            lines += table.removed.map { "  \($0)  gone" }
        }
        var figures = TextTable(["METRIC", "VERSION \(first)", "VERSION \(second)"])
        for metric in metrics {
            figures.add([
                metric.name, VersionDescription.text(metric.first ?? .nan),
                VersionDescription.text(metric.second ?? .nan),
            ])
        }
        return lines + figures.lines
    }
}
