import Learning

/// Which rows changed since the last completed checkpoint, handed out in parts.
///
/// Parts go through the tables in rounds: row by row, so that a part takes as long as its rows, and
/// learning goes on between parts. What changes behind the round's position waits for the next
/// round or the last part. A table whose rows change as fast as they are taken waits for the last
/// part: of few rows that all events change, as items do, taking them earlier saves nothing. Owned
/// by the learner's thread.
final class CheckpointChanges {
    private let tables: [StateTable]
    /// Changed rows of each table.
    private let changed: [RowSet]
    /// What the increment is put on.
    private var base = NamedTensors()
    /// Where the round stands; nil between rounds.
    private var position: (table: Int, row: Int)?
    /// Rows of each table that waited when its last round of this checkpoint began.
    private var roundCounts: [Int]
    /// Whether a table is part of the round.
    private var isInRound: [Bool]

    /// Follow with `begin`, once there is a state to begin from.
    init(_ tables: [StateTable]) {
        self.tables = tables
        changed = tables.map { _ in RowSet() }
        roundCounts = tables.map { _ in .max }
        isInRound = tables.map { _ in false }
    }

    /// The changed rows of the table of that name.
    func rows(of name: String) -> RowSet {
        // Names come from the declaration in RecommenderModel.
        guard let index = tables.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("no table \(name)")
        }
        return changed[index]
    }

    /// Forgets all changes: the last completed checkpoint is what the tables hold now.
    func begin(from whole: NamedTensors) {
        for set in changed { set.removeAll() }
        position = nil
        roundCounts = tables.map { _ in .max }
        base = NamedTensors()
        for table in tables {
            base[table.layout.baseCountName] = Tensor([Int64(table.ids.count)])
        }
        for name in Self.positionNames { base[Increment.basePrefix + name] = whole[name] }
    }

    /// Takes every row for changed since a checkpoint of nothing.
    func beginWhole(_ whole: NamedTensors) {
        begin(from: whole)
        for (table, set) in zip(tables, changed) {
            base[table.layout.baseCountName] = Tensor([0 as Int64])
            for row in 0..<Int32(table.ids.count) { set.insert(row) }
        }
        for name in Self.positionNames {
            guard let position = whole[name] else { continue }
            base[Increment.basePrefix + name] = Tensor(
                elementType: position.elementType,
                shape: position.shape,
                bytes: [UInt8](repeating: 0, count: position.bytes.count)
            )
        }
    }

    /// Whole tensors that say how far a state has learned: an increment is put on the same only.
    private static let positionNames = ["state.counts", "model.counts"]

    /// Throws unless the increment is put on the state that `whole` is of.
    static func requireBase(
        of increment: any TensorSource,
        in whole: NamedTensors
    ) throws(LearningError) {
        for name in positionNames {
            try increment.requireBase(Increment.basePrefix + name, in: whole)
        }
    }

    /// The next part; nil when it is time for the last one.
    func takePart(byteCount: Int) -> NamedTensors? {
        let isNewRound = position == nil
        let countsBefore = roundCounts
        if isNewRound, !beginRound() { return nil }
        var (table, row) = position ?? (0, 0)
        var rows = tables.map { _ in [Int32]() }
        var taken = 0
        while taken < byteCount, table < tables.count {
            if isInRound[table], let next = changed[table].next(from: row) {
                rows[table].append(next)
                taken += tables[table].byteCount(of: next)
                row = Int(next) + 1
            } else {
                (table, row) = (table + 1, 0)
            }
        }
        let isEnd = table == tables.count
        position = isEnd ? nil : (table, row)
        if isEnd, isNewRound {
            // So few that they are left to the last part.
            roundCounts = countsBefore
            return nil
        }
        if taken == 0 { return takePart(byteCount: byteCount) }
        var part = NamedTensors()
        for (index, rows) in rows.enumerated() where !rows.isEmpty {
            for row in rows { changed[index].remove(row) }
            tables[index].encode(.some(rows), into: &part)
        }
        return part
    }

    /// Begins a round; returns whether there is a table for it.
    private func beginRound() -> Bool {
        for (table, set) in changed.enumerated() {
            let waiting = set.count
            // A round must leave fewer than it began with, or there is no end to it; an eighth less
            // bounds all rounds by eight times the first.
            isInRound[table] = waiting <= roundCounts[table] / 8 * 7
            if isInRound[table] { roundCounts[table] = waiting }
        }
        return isInRound.contains(true)
    }

    /// What another thread is to do before the last part is taken; nil when that is small.
    func prepareLastPart() -> (@Sendable () -> Void)? {
        let preparations = tables.indices.flatMap { index in
            // More rows change until then; where they change as fast as they are taken, as many as
            // there were before.
            let (table, waiting) = (tables[index], changed[index].count * 2)
            let expected = isInRound[index] ? waiting : max(waiting, roundCounts[index])
            let rowCount = min(table.ids.count, expected)
            return table.columns.compactMap { $0.prepareCopy(rowCount: rowCount) }
        }
        guard !preparations.isEmpty else { return nil }
        return { for prepare in preparations { prepare() } }
    }

    /// All changed rows that are left, what they are put on, and the whole tensors.
    func takeLastPart(whole: NamedTensors) -> NamedTensors {
        var part = base
        for (table, set) in zip(tables, changed) {
            table.encode(.some(set.takeAll()), into: &part)
            part[table.layout.sizeName] = Tensor([Int64(table.ids.count)])
        }
        for name in whole.names { part[name] = whole[name] }
        begin(from: whole)
        return part
    }
}
