import GRDB

/// A row of the table `branch`, and the rows of `exclusion` that go with it.
struct BranchRow: Codable, FetchableRecord {
    let id: Int64
    let modelID: Int64
    let parent: Int64?
    let parentPosition: Int64
    let parentVersion: Int64?
    let start: Int64
    let reason: String
    let createdAt: Int64

    /// What a new branch is to hold.
    struct Contents {
        var parent: Int64?
        var parentPosition: Int64 = 0
        var parentVersion: Int64?
        var start: Int64 = 0
        var exclusions: [Exclusion] = []
        var reason = ""
        var createdAt: Int64 = 0

        static let root = Contents()
    }

    /// Inserts a branch and returns its id.
    static func insert(_ branch: Contents, modelID: Int64, in db: Database) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO branch (modelID, parent, parentPosition, parentVersion, start, reason,
                    createdAt)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                modelID, branch.parent, branch.parentPosition, branch.parentVersion, branch.start,
                branch.reason, branch.createdAt,
            ]
        )
        let id = db.lastInsertedRowID
        for (place, exclusion) in branch.exclusions.enumerated() {
            try ExclusionRow(exclusion, branchID: id, place: place).insert(db)
        }
        return id
    }

    /// The branches from the root to one, each the parent of the next.
    static func ancestry(of id: Int64, model: String, in db: Database) throws -> [Branch] {
        var branches: [Branch] = []
        var next: Int64? = id
        while let id = next {
            let branch = try find(id, model: model, in: db)
            branches.append(branch)
            next = branch.parent
        }
        return branches.reversed()
    }

    static func find(_ id: Int64, model: String, in db: Database) throws -> Branch {
        let row = try fetchOne(
            db,
            sql: """
                SELECT branch.* FROM branch JOIN model ON model.id = modelID
                WHERE branch.id = ? AND model.name = ?
                """,
            arguments: [id, model]
        )
        guard let row else {
            throw ModelStoreError(
                .missing,
                "model \"\(model)\" has no branch \(id)",
                remedy: "name the branch of one of its versions"
            )
        }
        // A parent is older than its child: that ends every walk upwards.
        guard row.parentPosition >= 0, row.start >= row.parentPosition, row.start < Int64.max / 4,
            row.parent.map({ $0 < id }) ?? true
        else {
            throw ModelStoreError(
                .damaged,
                "branch \(id) of model \"\(model)\" begins at journal position \(row.start), after "
                    + "position \(row.parentPosition) of branch \(row.parent ?? 0)",
                remedy: "restore the store from a copy"
            )
        }
        return Branch(
            id: id,
            model: model,
            parent: row.parent,
            parentPosition: row.parentPosition,
            parentVersion: row.parentVersion,
            start: row.start,
            exclusions: try ExclusionRow.all(id, in: db),
            reason: row.reason,
            createdAt: row.createdAt
        )
    }
}

private struct ExclusionRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "exclusion"

    let branchID: Int64
    let place: Int
    var topic: String?
    var partition: Int32?
    var firstOffset: Int64?
    var lastOffset: Int64?
    var userHash: String?

    init(_ exclusion: Exclusion, branchID: Int64, place: Int) {
        self.branchID = branchID
        self.place = place
        switch exclusion {
        case .user(let saltedHash):
            userHash = saltedHash
        case .offsets(let range):
            topic = range.topic
            partition = range.partition
            firstOffset = range.first
            lastOffset = range.last
        }
    }

    static func all(_ branchID: Int64, in db: Database) throws -> [Exclusion] {
        let rows = try fetchAll(
            db,
            sql: "SELECT * FROM exclusion WHERE branchID = ? ORDER BY place",
            arguments: [branchID]
        )
        return try rows.map { row in
            if let hash = row.userHash { return .user(saltedHash: hash) }
            guard let topic = row.topic, let partition = row.partition,
                let first = row.firstOffset, let last = row.lastOffset
            else {
                throw ModelStoreError(
                    .damaged,
                    "exclusion \(row.place) of branch \(branchID) names neither a user nor offsets",
                    remedy: "restore the store from a copy"
                )
            }
            let range = OffsetRange(topic: topic, partition: partition, first: first, last: last)
            try ModelStore.check(range, as: .damaged)
            return .offsets(range)
        }
    }
}
