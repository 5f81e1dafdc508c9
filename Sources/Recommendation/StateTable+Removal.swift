import Learning

/// A row whose content has gone to another one, lower and free before.
struct RowMove: Equatable {
    var source: Int32
    var target: Int32
}

// MARK: - Tables

extension StateTable {
    /// Bytes that a row takes in memory, without id and lists.
    var bytesPerRow: Int { columns.reduce(0) { $0 + $1.bytesPerRow } }

    /// Empties rows: they are free then.
    func remove(_ rows: [Int32]) {
        for column in columns { for row in rows { column.clear(row) } }
    }

    /// Moves rows, in this order.
    func move(_ moves: [RowMove]) {
        for column in columns { for move in moves { column.move(move.source, to: move.target) } }
    }

    /// Which moves leave no row free but at the end, targets ascending, and how many rows are then
    /// in use.
    func packing() -> (moves: [RowMove], count: Int) {
        let used = ids.usedCount
        var moves: [RowMove] = []
        var source = Int32(used)
        ids.free.forEach(in: 0..<used) { target in
            while ids.isFree(source) { source += 1 }
            moves.append(RowMove(source: source, target: Int32(target)))
            source += 1
        }
        return (moves, used)
    }

    /// Gives the table so many rows: drops those at the end, or adds free ones.
    func resize(to count: Int) {
        let oldCount = ids.count
        if count < oldCount {
            remove((Int32(count)..<Int32(oldCount)).filter { !ids.isFree($0) })
            for column in columns { column.truncate(to: count) }
        }
        for _ in oldCount..<max(count, oldCount) { appendFreeRow() }
    }

    /// Adds a free row; returns it.
    @discardableResult
    func appendFreeRow() -> Int32 {
        for column in columns { column.appendFreeRow() }
        return Int32(ids.count - 1)
    }
}

// MARK: - Columns

extension PlainColumn {
    var bytesPerRow: Int { byteCount(of: 0) }

    func appendFreeRow() { storage.append(repeating: empty, count: width ?? 1) }

    func clear(_ row: Int32) {
        (storage.base + Int(row) * (width ?? 1)).update(repeating: empty, count: width ?? 1)
    }

    func move(_ row: Int32, to target: Int32) {
        storage.copyRow(row, to: target, width: width ?? 1)
        clear(row)
    }

    func truncate(to count: Int) { storage.truncate(to: count * (width ?? 1)) }
}

extension MatrixColumn {
    var bytesPerRow: Int { matrix.bytesPerRow }

    func appendFreeRow() { matrix.append(filledWith: padding) }

    func clear(_ row: Int32) { matrix.fill(row, with: padding) }

    func move(_ row: Int32, to target: Int32) {
        matrix.copyRow(row, to: target)
        clear(row)
    }

    func truncate(to count: Int) { matrix.truncate(to: count) }
}

extension IDColumn {
    var bytesPerRow: Int { 0 }

    func appendFreeRow() { ids.appendFreeRow() }

    func clear(_ row: Int32) { ids.remove(row) }

    func move(_ row: Int32, to target: Int32) { ids.move(row, to: target) }

    func truncate(to count: Int) { ids.truncate(to: count) }
}

extension ListColumn {
    var bytesPerRow: Int { 0 }

    func appendFreeRow() { lists.appendUser() }

    func clear(_ row: Int32) { lists.release(row) }

    func move(_ row: Int32, to target: Int32) { lists.move(row, to: target) }

    func truncate(to count: Int) { lists.truncate(to: count) }
}
