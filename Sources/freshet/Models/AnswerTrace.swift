import ModelStore
import Pipeline

/// The events behind an answer, as people and scripts read them.
struct AnswerTrace: Encodable {
    /// The events that named an id.
    struct Named: Encodable {
        let id: String
        let events: Int
        let topic: String?
        let partition: Int32?
        /// The last one; nil for none.
        let lastOffset: Int64?

        fileprivate init(_ id: String, _ found: LineageSearch.Found) {
            self.id = id
            events = found.count
            topic = found.last?.topic
            partition = found.last?.partition
            lastOffset = found.last?.last
        }

        fileprivate var row: [String] {
            let place = topic.flatMap { topic in
                partition.map { "\(topic)/\($0):\(lastOffset ?? 0)" }
            }
            return [id, grouped(events), place ?? "-"]
        }
    }

    let model: String
    let version: Int64
    let branch: Int64
    let position: Int64
    /// What the model had learned, in the order of learning.
    let learned: [LineageSegment]
    let user: Named
    let items: [Named]

    /// Searches the log for what an answer rests on.
    init(
        _ answer: Recommendation,
        _ effective: EffectiveConfiguration,
        _ store: ModelStore
    ) throws {
        guard let version = answer.version, let position = answer.position, let user = answer.user
        else {
            throw CommandFailure(
                .misuse,
                "the answer names no "
                    + (answer.user == nil
                        ? "user" : answer.version == nil ? "version" : "position"),
                remedy: "give a whole answer, as \"freshet recommend USER --json\" prints it; one "
                    + "with an error has no events behind it"
            )
        }
        model = answer.model ?? effective.configuration.model.name
        try store.requireModel(model)
        // Before the first version there is only the first branch.
        let known = try version == 0 ? nil : store.version(named: "\(version)", of: model)
        self.version = version
        self.position = position
        branch = try known?.branch ?? store.branches(of: model).first?.id ?? 0
        learned = try store.lineage(branch: branch, upTo: position)
        let items = (answer.items ?? []).map(\.item)
        var search = LineageSearch(
            user: user,
            items: items,
            source: try effective.source(of: learned)
        )
        let total = learned.flatMap(\.ranges).reduce(0) { $0 + $1.count }
        var progress = Progress("Searching", unit: "records", total: Int(total))
        try search.run(learned) { progress.update($0) }
        progress.finish()
        self.user = Named(user, search.user)
        self.items = items.map { Named($0, search.items[$0] ?? LineageSearch.Found()) }
    }

    var lines: [String] {
        let ranges = learned.flatMap(\.ranges)
        let forgotten = Set(learned.flatMap(\.withoutUsers)).count
        var lines = [
            "model     \(model), version \(version), branch \(branch), journal position \(position)",
            "learned   \(grouped(ranges.reduce(0) { $0 + $1.count })) offsets in "
                + "\(grouped(ranges.count)) ranges"
                + (forgotten > 0 ? ", without \(forgotten) forgotten users" : ""),
        ]
        lines += ranges.prefix(Self.shownRanges).map { "  \(ExcludedOffsets.text($0))" }
        if ranges.count > Self.shownRanges {
            lines.append("  and \(grouped(ranges.count - Self.shownRanges)) more: see --json")
        }
        var table = TextTable(["NAMED", "EVENTS", "LAST"])
        table.add(user.row)
        for item in items { table.add(item.row) }
        return lines + table.lines
    }

    private static let shownRanges = 20
}
