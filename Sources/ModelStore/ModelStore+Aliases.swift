import GRDB

private struct AliasRow: Codable, FetchableRecord {
    let name: String
    let version: Int64
}

extension ModelStore {
    /// Points an alias at a version, and records the move; `at` is in milliseconds since 1970.
    ///
    /// Throws `.missing` when there is no such version, or when it has been pruned.
    public func setAlias(
        _ alias: String,
        of model: String,
        to version: Int64,
        reason: String,
        at: Int64
    ) throws(ModelStoreError) {
        try Self.checkName(model, of: "model")
        try Self.checkName(alias, of: "alias")
        try write { db in
            guard let row = try ModelRow.find(model, in: db) else {
                throw Self.noVersion(version, of: model)
            }
            try Self.move(alias, model, row.id, .promote, to: version, reason, at, in: db)
        }
    }

    /// Points an alias at the version that it pointed at before its last promotion.
    ///
    /// Records the move and returns that version; reverting again goes further back. `at` is in milliseconds since 1970. Throws `.missing` when the alias was never promoted from
    /// another version, or when that version has been pruned.
    public func revertAlias(
        _ alias: String,
        of model: String,
        reason: String,
        at: Int64
    ) throws(ModelStoreError) -> Int64 {
        try Self.checkName(model, of: "model")
        try Self.checkName(alias, of: "alias")
        return try write { db in
            let row = try ModelRow.existing(model, in: db)
            let actions = try ActionRow.all(row.id, in: db)
            guard let target = Self.targets(of: alias, actions).dropLast().last else {
                throw ModelStoreError(
                    .missing,
                    "alias \"\(alias)\" of model \"\(model)\" has no earlier version to go back to",
                    remedy: "promote the version that it should point at"
                )
            }
            try Self.move(alias, model, row.id, .revert, to: target, reason, at, in: db)
            return target
        }
    }

    /// The model's aliases, in alphabetical order.
    public func aliases(of model: String) throws(ModelStoreError) -> [ModelAlias] {
        try Self.checkName(model, of: "model")
        return try read { db in
            try AliasRow.fetchAll(
                db,
                sql: """
                    SELECT alias.name, version FROM alias JOIN model ON model.id = modelID
                    WHERE model.name = ? ORDER BY alias.name
                    """,
                arguments: [model]
            ).map { ModelAlias(name: $0.name, version: $0.version) }
        }
    }

    /// The versions an alias was promoted to and not reverted from; the last is where it points.
    static func targets(of alias: String, _ actions: [OperatorAction]) -> [Int64] {
        var targets: [Int64] = []
        for move in actions where move.alias == alias {
            if move.kind == .revert {
                targets.removeLast(min(1, targets.count))
            } else {
                targets.append(move.version)
            }
        }
        return targets
    }

    private static func move(
        _ alias: String,
        _ model: String,
        _ modelID: Int64,
        _ kind: OperatorAction.Kind,
        to version: Int64,
        _ reason: String,
        _ at: Int64,
        in db: Database
    ) throws {
        guard let row = try VersionRow.find(version, modelID, in: db) else {
            throw noVersion(version, of: model)
        }
        _ = try chain(of: row, of: model, in: db)
        let previous = try Int64.fetchOne(
            db,
            sql: "SELECT version FROM alias WHERE modelID = ? AND name = ?",
            arguments: [modelID, alias]
        )
        try db.execute(
            sql: """
                INSERT INTO alias (modelID, name, version) VALUES (?, ?, ?)
                ON CONFLICT (modelID, name) DO UPDATE SET version = excluded.version
                """,
            arguments: [modelID, alias, version]
        )
        try ActionRow(
            modelID: modelID,
            kind: kind,
            version: version,
            alias: alias,
            previous: previous,
            reason: reason,
            at: at
        ).insert(db)
    }
}
