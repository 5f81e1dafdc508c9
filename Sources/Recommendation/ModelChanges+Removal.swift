import Learning

extension ModelChanges {
    /// Users were removed from these rows.
    func removeUsers(_ rows: [Int32]) {
        for row in rows {
            users.remove(row)
            ofUsers.remove(row)
            checkpointUsers.insert(row)
        }
        let gone = RowSet(rows)
        filterSeen { user, item in gone.contains(user) ? nil : (user, item) }
    }

    /// Items were removed from these rows; `users` had them in history or list.
    func removeItems(_ rows: [Int32]) {
        for row in rows {
            for set in [items, context, popularity] { set.remove(row) }
            ofItems.remove(row)
            checkpointItems.insert(row)
        }
        let gone = RowSet(rows)
        filterSeen { user, item in gone.contains(item) ? nil : (user, item) }
    }

    /// Users were moved, and the table has `count` rows now.
    func moveUsers(_ moves: [RowMove], count: Int) {
        for move in moves {
            users.move(move.source, to: move.target)
            ofUsers.move(move)
            for row in [move.source, move.target] { checkpointUsers.insert(row) }
        }
        for set in [users, checkpointUsers] { set.remove(from: count) }
        let targets = Self.targets(moves)
        filterSeen { user, item in (targets[user] ?? user, item) }
    }

    /// Items were moved, and the table has `count` rows now.
    func moveItems(_ moves: [RowMove], count: Int) {
        for move in moves {
            for set in [items, context, popularity] { set.move(move.source, to: move.target) }
            ofItems.move(move)
            for row in [move.source, move.target] { checkpointItems.insert(row) }
        }
        for set in [items, context, popularity, checkpointItems] { set.remove(from: count) }
        let targets = Self.targets(moves)
        filterSeen { user, item in (user, targets[item] ?? item) }
    }

    /// A user's history or list was changed by what scorers do by themselves.
    func insertForCheckpoint(user: Int32) { checkpointUsers.insert(user) }

    private static func targets(_ moves: [RowMove]) -> [Int32: Int32] {
        Dictionary(uniqueKeysWithValues: moves.map { ($0.source, $0.target) })
    }

    /// Changes or, for nil, drops the pairs that wait for the next update.
    private func filterSeen(_ change: (Int32, Int32) -> (Int32, Int32)?) {
        var kept = 0
        for index in 0..<seenUsers.count {
            guard let pair = change(seenUsers[index], seenItems[index]) else { continue }
            (seenUsers[kept], seenItems[kept]) = pair
            kept += 1
        }
        seenUsers.truncate(to: kept)
        seenItems.truncate(to: kept)
    }
}
