import GRDB

/// A model's identity in the database, the newest epoch begun, and the branch it is on.
struct ModelRow: Codable, FetchableRecord {
    let id: Int64
    let epoch: Int64
    let branchID: Int64

    static func find(_ model: String, in db: Database) throws -> ModelRow? {
        try fetchOne(
            db,
            sql: "SELECT id, epoch, branchID FROM model WHERE name = ?",
            arguments: [model]
        )
    }

    static func existing(_ model: String, in db: Database) throws -> ModelRow {
        guard let row = try find(model, in: db) else {
            throw ModelStoreError(
                .missing,
                "there is no model \"\(model)\" in the store",
                remedy: "see what there is with: freshet models list"
            )
        }
        return row
    }

    /// The model, if `epoch` is its newest: nothing that an older trainer made may be recorded.
    static func find(_ model: String, inEpoch epoch: Int64, in db: Database) throws -> ModelRow {
        let row = try find(model, in: db)
        guard let row, row.epoch >= epoch, epoch > 0 else {
            throw ModelStoreError(
                .invalid,
                "epoch \(epoch) of model \"\(model)\" has not begun",
                remedy: "begin an epoch when the trainer starts, and name that one"
            )
        }
        guard row.epoch == epoch else {
            throw ModelStoreError(
                .fenced,
                "epoch \(epoch) of model \"\(model)\" has been superseded by epoch \(row.epoch)",
                remedy: "another trainer of this model has started; stop this one"
            )
        }
        return row
    }
}

extension ModelStore {
    /// Takes the model's next epoch, 1 for the first; durable on return.
    ///
    /// From then on, whatever a trainer of an older epoch wants to record is refused as `.fenced`.
    public func beginEpoch(model: String) throws(ModelStoreError) -> Int64 {
        try Self.checkName(model, of: "model")
        return try write { db in
            if let row = try ModelRow.find(model, in: db) {
                return try Self.takeEpoch(of: row, branch: row.branchID, in: db)
            }
            try db.execute(sql: "INSERT INTO model (name, epoch) VALUES (?, 0)", arguments: [model])
            let modelID = db.lastInsertedRowID
            let root = try BranchRow.insert(.root, modelID: modelID, in: db)
            return try Self.takeEpoch(
                of: ModelRow(id: modelID, epoch: 0, branchID: root),
                branch: root,
                in: db
            )
        }
    }

    /// The newest epoch begun; 0 when there is none.
    public func currentEpoch(model: String) throws(ModelStoreError) -> Int64 {
        try Self.checkName(model, of: "model")
        return try read { db in try ModelRow.find(model, in: db)?.epoch ?? 0 }
    }

    /// The names of all models that have begun an epoch, in alphabetical order.
    public func models() throws(ModelStoreError) -> [String] {
        try read { db in try String.fetchAll(db, sql: "SELECT name FROM model ORDER BY name") }
    }

    /// Puts the model into its next epoch, on a branch; returns the epoch.
    static func takeEpoch(of row: ModelRow, branch: Int64, in db: Database) throws -> Int64 {
        guard (0..<Int64.max / 4).contains(row.epoch) else {
            throw ModelStoreError(
                .damaged,
                "the store holds epoch \(row.epoch) for a model",
                remedy: "restore the store from a copy"
            )
        }
        try db.execute(
            sql: "UPDATE model SET epoch = ?, branchID = ? WHERE id = ?",
            arguments: [row.epoch + 1, branch, row.id]
        )
        return row.epoch + 1
    }

    /// Names go into topics, messages and file names of others: they are kept plain.
    static func checkName(_ name: String, of thing: String) throws(ModelStoreError) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default:
                false
            }
        }
        guard isPlain, (1...100).contains(name.utf8.count) else {
            throw ModelStoreError(
                .invalid,
                "\"\(name.prefix(120))\" cannot name a \(thing)",
                remedy: "use 1 to 100 of the characters A-Z a-z 0-9 . _ -"
            )
        }
    }
}
