import Learning

extension RecommenderModel {
    /// Which row each item has after `removed` are gone and `moves` are made; -1 for those gone.
    func itemRows(removed: [Int32], moves: [RowMove]) -> [Int32] {
        var rows = (0..<Int32(items.count)).map { $0 }
        for row in removed { rows[Int(row)] = -1 }
        for move in moves { rows[Int(move.source)] = move.target }
        return rows
    }

    /// Gives the items in histories and seen lists other rows, in one pass; takes those out whose
    /// new row is negative.
    ///
    /// `changed` is told whose histories or lists: some users twice.
    func renumberItems(_ newRows: [Int32], changed: (Int32) -> Void) {
        newRows.withUnsafeBufferPointer { newRows in
            for user in 0..<(historyLength > 0 ? users.count : 0) {
                let start = history.base + user * historyLength
                var kept = 0
                var isChanged = false
                for place in 0..<historyLength where start[place] >= 0 {
                    let newRow = newRows[Int(start[place])]
                    isChanged = isChanged || newRow != start[place]
                    guard newRow >= 0 else { continue }
                    start[kept] = newRow
                    kept += 1
                }
                guard isChanged else { continue }
                (start + kept).update(repeating: -1, count: historyLength - kept)
                changed(Int32(user))
            }
            seen.renumber(newRows, changed: changed)
        }
    }
}
