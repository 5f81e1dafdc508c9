import Learning

/// Which rows of a table came, went and moved since the last update, whatever happened in between.
///
/// Owned by the learner's thread.
final class TableChanges {
    /// Rows of the last update whose content is gone.
    private let removed = RowSet()
    /// Rows whose content came after the last update.
    private let added = RowSet()
    /// Where the content of other rows was at the last update, if it was somewhere else.
    private var origins: [Int32: Int32] = [:]
    /// Rows at the last update.
    private(set) var baseCount = 0

    /// The last update holds `count` rows, as they are now.
    func begin(count: Int) {
        removed.removeAll()
        added.removeAll()
        origins = [:]
        baseCount = count
    }

    /// A free row has got content.
    func add(_ row: Int32) { added.insert(row) }

    /// A row was emptied.
    func remove(_ row: Int32) {
        if added.contains(row) {
            added.remove(row)
        } else {
            removed.insert(origins.removeValue(forKey: row) ?? row)
        }
    }

    /// The content of a row went to another one.
    func move(_ move: RowMove) {
        if added.contains(move.source) {
            added.remove(move.source)
            added.insert(move.target)
            return
        }
        let origin = origins.removeValue(forKey: move.source) ?? move.source
        if origin != move.target { origins[move.target] = origin }
    }

    /// Whether rows were emptied that the last update had.
    var hasRemoved: Bool { !removed.isEmpty || !origins.isEmpty }

    /// Adds to an update what has changed, and forgets it.
    ///
    /// `removed` also has the rows that are new and free, so that together with the new ids every
    /// new row is named.
    func take(from ids: IDTable, into delta: inout NamedTensors, prefix: String) {
        var rows = removed.takeAll()
        ids.free.forEach(in: baseCount..<max(baseCount, ids.count)) { rows.append(Int32($0)) }
        delta[prefix + "removed"] = Tensor(rows)
        let moves = origins.sorted { $0.key < $1.key }.flatMap { [$0.value, $0.key] }
        delta[prefix + "moved"] = Tensor(moves, shape: [moves.count / 2, 2])
        let new = added.takeAll()
        delta[prefix + "ids.rows"] = Tensor(new)
        EncodedIDs(.some(new), of: ids).encode(into: &delta, prefix: prefix + "ids.")
        begin(count: ids.count)
    }
}
