import GRDB

/// A row of the table `action`.
struct ActionRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "action"

    var id: Int64?
    let modelID: Int64
    let kind: String
    let version: Int64
    let alias: String?
    let previous: Int64?
    let branch: Int64?
    let epoch: Int64?
    let reason: String
    let at: Int64

    init(
        modelID: Int64,
        kind: OperatorAction.Kind,
        version: Int64,
        alias: String? = nil,
        previous: Int64?,
        branch: Int64? = nil,
        epoch: Int64? = nil,
        reason: String,
        at: Int64
    ) {
        self.modelID = modelID
        self.kind = kind.rawValue
        self.version = version
        self.alias = alias
        self.previous = previous
        self.branch = branch
        self.epoch = epoch
        self.reason = reason
        self.at = at
    }

    static func all(_ modelID: Int64, in db: Database) throws -> [OperatorAction] {
        try fetchAll(
            db,
            sql: "SELECT * FROM action WHERE modelID = ? ORDER BY id",
            arguments: [modelID]
        ).map { try $0.action }
    }

    var action: OperatorAction {
        get throws(ModelStoreError) {
            guard let id, let kind = OperatorAction.Kind(rawValue: kind) else {
                throw ModelStoreError(
                    .damaged,
                    "action \(id ?? 0) in the store is of unknown kind \"\(kind)\"",
                    remedy: "use the freshet that made the store, or restore it from a copy"
                )
            }
            return OperatorAction(
                id: id,
                kind: kind,
                version: version,
                alias: alias,
                previous: previous,
                branch: branch,
                epoch: epoch,
                reason: reason,
                at: at
            )
        }
    }
}
