import GRDB

private struct AliasRow: Codable, FetchableRecord {
    let name: String
    let version: Int64
}

private struct AliasMoveRow: Codable, FetchableRecord {
    let alias: String
    let previous: Int64?
    let version: Int64
    let reason: String
    let at: Int64
}

extension ModelStore {
    /// Points an alias at a version, and records the move; `at` is in milliseconds since 1970.
    ///
    /// Throws `.missing` when there is no such version.
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
            let modelID = try Self.modelID(model, having: version, in: db)
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
            try db.execute(
                sql: """
                    INSERT INTO aliasMove (modelID, alias, previous, version, reason, at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [modelID, alias, previous, version, reason, at]
            )
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

    /// Every move of the model's aliases, the oldest first.
    public func aliasHistory(of model: String) throws(ModelStoreError) -> [ModelAliasMove] {
        try Self.checkName(model, of: "model")
        return try read { db in
            try AliasMoveRow.fetchAll(
                db,
                sql: """
                    SELECT alias, previous, version, reason, at
                    FROM aliasMove JOIN model ON model.id = modelID
                    WHERE model.name = ? ORDER BY aliasMove.id
                    """,
                arguments: [model]
            ).map { row in
                ModelAliasMove(
                    alias: row.alias,
                    previous: row.previous,
                    version: row.version,
                    reason: row.reason,
                    at: row.at
                )
            }
        }
    }

    private static func modelID(
        _ model: String,
        having version: Int64,
        in db: Database
    ) throws -> Int64 {
        let modelID = try Int64.fetchOne(
            db,
            sql: """
                SELECT modelID FROM version JOIN model ON model.id = modelID
                WHERE model.name = ? AND number = ?
                """,
            arguments: [model, version]
        )
        guard let modelID else {
            throw ModelStoreError(
                .missing,
                "model \"\(model)\" has no version \(version)",
                remedy: "see its versions with: freshet models list"
            )
        }
        return modelID
    }
}
