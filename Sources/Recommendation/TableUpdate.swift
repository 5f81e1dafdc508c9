import Learning

/// What an update says about the rows of a table, checked against the table: which go, which move,
/// which come.
struct TableUpdate {
    /// Rows to empty, ascending.
    let removed: [Int32]
    /// In the order in which they can be made.
    let moves: [RowMove]
    let newIDs: EncodedIDs
    /// The rows of the new ids, ascending.
    let newRows: [Int32]
    /// Number of rows afterwards.
    let count: Int
    private let origins: [Int32: Int32]
    private let new: RowSet

    /// Reads what `TableChanges.take` wrote; `count` is the number of rows afterwards.
    init(
        _ delta: NamedTensors,
        prefix: String,
        count: Int64,
        of ids: IDTable
    ) throws(LearningError) {
        let wrong = { (what: String) in
            LearningError(
                .tensor,
                "tensors \"\(prefix)…\" \(what)",
                remedy: "the update is damaged; start from the newest checkpoint"
            )
        }
        let emptied = try delta.ascendingRows(prefix + "removed", below: Int(Int32.max))
        newRows = try delta.ascendingRows(prefix + "ids.rows", below: Int(Int32.max))
        newIDs = try EncodedIDs(delta, prefix: prefix + "ids.", count: newRows.count)
        let pairs: [Int32] = try delta.values(prefix + "moved", shape: [-1, 2])
        moves = stride(from: 0, to: pairs.count, by: 2).map {
            RowMove(source: pairs[$0], target: pairs[$0 + 1])
        }
        origins = Dictionary(moves.map { ($0.target, $0.source) }) { first, _ in first }
        new = RowSet(newRows.filter { $0 >= 0 })
        removed = emptied.filter { $0 < ids.count }
        // Every row beyond the old ones is named once, so that a wrong count cannot be believed.
        let named = (emptied + newRows).filter { $0 >= ids.count }.sorted()
        let added = Swift.max(count - Int64(ids.count), 0)
        guard count >= 0, Int64(named.count) == added,
            zip(named, ids.count...).allSatisfy({ Int($0) == $1 })
        else { throw wrong("name \(named.count) rows beyond \(ids.count), \(count) rows in all") }
        self.count = Int(count)
        var leaving = Set(removed)
        if let row = removed.first(where: { ids.isFree($0) }) {
            throw wrong("remove row \(row), which is free")
        }
        var lastTarget: Int32 = -1
        for move in moves {
            guard move.target > lastTarget, move.source > move.target, move.source < ids.count,
                !ids.isFree(move.source), leaving.insert(move.source).inserted
            else { throw wrong("move row \(move.source) to \(move.target)") }
            lastTarget = move.target
        }
        var taken = Set<Int32>()
        for row in moves.map(\.target) + newRows {
            let isVacant = row >= ids.count || ids.isFree(row) || leaving.contains(row)
            guard isVacant, row < count, taken.insert(row).inserted else {
                throw wrong("fill row \(row), which is not free")
            }
        }
        for row in Swift.min(Int32(count), Int32(ids.count))..<Int32(ids.count)
        where !ids.isFree(row) && !leaving.contains(row) {
            throw wrong("leave out row \(row), which is in use")
        }
        try check(ids, gone: Set(removed), wrong)
    }

    /// New ids are absent, or their rows go; and they differ from each other.
    private func check(
        _ ids: IDTable,
        gone: Set<Int32>,
        _ wrong: (String) -> LearningError
    ) throws(LearningError) {
        let others = IDTable(seed: 0)
        let twice = newIDs.firstIndex { id in
            let row = ids.find(id, hash: ids.hash(id))
            return (row != IDTable.absent && !gone.contains(row))
                || !others.insertIfAbsent(id, hash: others.hash(id))
        }
        if let twice { throw wrong("hold the id for row \(newRows[twice]) twice") }
    }

    /// Where the content of a row is before the update; nil when it is new.
    func origin(of row: Int32) -> Int32? {
        new.contains(row) ? nil : origins[row] ?? row
    }
}
