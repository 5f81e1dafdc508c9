import GRDB

extension ModelStore {
    /// The branch that the model learns on.
    ///
    /// Throws `.missing` when there is no such model.
    public func currentBranch(of model: String) throws(ModelStoreError) -> Branch {
        try Self.checkName(model, of: "model")
        return try read { db in
            let row = try ModelRow.existing(model, in: db)
            return try BranchRow.find(row.branchID, model: model, in: db)
        }
    }

    /// All branches of the model, the oldest first.
    public func branches(of model: String) throws(ModelStoreError) -> [Branch] {
        try Self.checkName(model, of: "model")
        return try read { db in
            let ids = try Int64.fetchAll(
                db,
                sql: """
                    SELECT branch.id FROM branch JOIN model ON model.id = modelID
                    WHERE model.name = ? ORDER BY branch.id
                    """,
                arguments: [model]
            )
            return try ids.map { try BranchRow.find($0, model: model, in: db) }
        }
    }

    /// What the state of a version has learned, in the order of learning.
    public func lineage(of version: ModelVersion) throws(ModelStoreError) -> [LineageSegment] {
        try lineage(branch: version.branch, upTo: version.journalPosition)
    }

    /// What a state on a branch at a journal position has learned, in the order of learning; without
    /// `exclusions`, which are not recorded.
    public func lineage(
        branch: Int64,
        upTo position: Int64,
        without exclusions: [Exclusion] = []
    ) throws(ModelStoreError) -> [LineageSegment] {
        try read { db in
            let model = try String.fetchOne(
                db,
                sql: """
                    SELECT model.name FROM branch JOIN model ON model.id = modelID
                    WHERE branch.id = ?
                    """,
                arguments: [branch]
            )
            guard let model else {
                throw ModelStoreError(
                    .missing,
                    "the store has no branch \(branch)",
                    remedy: "name the branch of a version"
                )
            }
            let row = try ModelRow.existing(model, in: db)
            let end = try Self.journalEnd(row.id, in: db)
            guard position <= end else {
                throw ModelStoreError(
                    .invalid,
                    "the journal of model \"\(model)\" ends at \(end), before \(position)",
                    remedy: "name a position that it has"
                )
            }
            let ancestry = try BranchRow.ancestry(of: branch, model: model, in: db)
            var stretches = try Lineage.stretches(ancestry, upTo: position)
            for index in stretches.indices { stretches[index].exclusions += exclusions }
            return try Self.segments(stretches, row.id, in: db)
        }
    }

    /// What the model's current branch has learned up to the journal's end, beyond the state of a
    /// version from which it went on, or with nil all of it; in the order of learning.
    ///
    /// This is what a trainer learns again when it starts. Throws `.invalid` when the version's state
    /// is no beginning of the branch's: those that `newestIntact` returns are.
    public func lineage(
        of model: String,
        after version: ModelVersion?
    ) throws(ModelStoreError) -> [LineageSegment] {
        try Self.checkName(model, of: "model")
        return try read { db in
            let row = try ModelRow.existing(model, in: db)
            let end = try Self.journalEnd(row.id, in: db)
            let ancestry = try BranchRow.ancestry(of: row.branchID, model: model, in: db)
            guard let version else {
                return try Self.segments(
                    try Lineage.stretches(ancestry, upTo: end),
                    row.id,
                    in: db
                )
            }
            let stretches = try Lineage.stretches(
                ancestry,
                after: version.branch,
                at: version.journalPosition,
                upTo: end
            )
            return try Self.segments(stretches, row.id, in: db)
        }
    }

    static func segments(
        _ stretches: [Lineage.Stretch],
        _ modelID: Int64,
        in db: Database
    ) throws -> [LineageSegment] {
        try Lineage.segments(stretches) { positions in
            try entries(modelID, within: positions, in: db)
        }
    }
}
