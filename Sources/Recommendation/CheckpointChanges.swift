import Learning

/// Which rows changed since the last completed checkpoint, handed out in parts.
///
/// Parts go through the tables in rounds: row by row, so that a part takes as long as its rows, and
/// learning goes on between parts. What changes behind the round's position waits for the next
/// round or the last part. Owned by the learner's thread.
final class CheckpointChanges {
    private let tables: [StateTable]
    /// Changed rows of each table.
    private let changed: [RowSet]
    /// What the increment is put on.
    private var base = NamedTensors()
    /// Where the round stands; nil between rounds.
    private var position: (table: Int, row: Int)?
    /// Rows that waited when the last round of this checkpoint began.
    private var lastRoundCount = Int.max

    /// Follow with `begin`, once there is a state to begin from.
    init(_ tables: [StateTable]) {
        self.tables = tables
        changed = tables.map { _ in RowSet() }
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
        lastRoundCount = .max
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
        if isNewRound {
            let waiting = changed.reduce(0) { $0 + $1.count }
            // A round must leave less than half of what it began with, or there is no end to it.
            guard waiting <= lastRoundCount / 2 else { return nil }
            lastRoundCount = waiting
        }
        var (table, row) = position ?? (0, 0)
        var rows = tables.map { _ in [Int32]() }
        var taken = 0
        while taken < byteCount, table < tables.count {
            if let next = changed[table].next(from: row) {
                rows[table].append(next)
                taken += tables[table].byteCount(of: next)
                row = Int(next) + 1
            } else {
                (table, row) = (table + 1, 0)
            }
        }
        let isEnd = table == tables.count
        position = isEnd ? nil : (table, row)
        if isEnd, isNewRound { return nil }
        if taken == 0 { return takePart(byteCount: byteCount) }
        var part = NamedTensors()
        for (index, rows) in rows.enumerated() where !rows.isEmpty {
            for row in rows { changed[index].remove(row) }
            tables[index].encode(.some(rows), into: &part)
        }
        return part
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
