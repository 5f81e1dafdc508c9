import GRDB

extension ModelStore {
    /// Records a checkpoint whose file has been written, in one transaction, as the next version.
    ///
    /// Throws `.fenced` when a newer epoch has begun, `.missing` or `.damaged` when the file is not
    /// there in its size or the base has been pruned, and `.invalid` when the version is not on the
    /// model's current branch, adds to a state that is no beginning of its own, or contains more
    /// than has been journalled: it could not be rebuilt.
    public func addVersion(_ version: NewVersion) throws(ModelStoreError) -> ModelVersion {
        try Self.checkName(version.model, of: "model")
        try files.hold(version.blob)
        let added = try write { db in
            let model = try ModelRow.find(version.model, inEpoch: version.epoch, in: db)
            return try insert(version, model, in: db)
        }
        files.release(version.blob)
        return added
    }

    /// Inserts the next version of a model.
    func insert(_ version: NewVersion, _ model: ModelRow, in db: Database) throws -> ModelVersion {
        if let problem = files.problem(version.blob) { throw problem }
        let name = version.model
        guard version.branch == model.branchID else {
            throw ModelStoreError(
                .invalid,
                "a version on branch \(version.branch) cannot be recorded: model \"\(name)\" is on "
                    + "branch \(model.branchID)",
                remedy: "learn on the model's current branch"
            )
        }
        let ancestry = try BranchRow.ancestry(of: version.branch, model: name, in: db)
        let start = ancestry.last?.start ?? 0
        let journalEnd = try Self.journalEnd(model.id, in: db)
        guard version.journalPosition >= start, version.journalPosition <= journalEnd else {
            throw ModelStoreError(
                .invalid,
                "a version at journal position \(version.journalPosition) cannot be recorded: the "
                    + "journal of model \"\(name)\" ends at \(journalEnd), branch "
                    + "\(version.branch) begins at \(start)",
                remedy: "journal what was learned before recording the version"
            )
        }
        if let base = version.base {
            try Self.check(base: base, of: version, model.id, ancestry, in: db)
        }
        let newest = try Int64.fetchOne(
            db,
            sql: "SELECT max(number) FROM version WHERE modelID = ?",
            arguments: [model.id]
        )
        let row = VersionRow(
            version,
            modelID: model.id,
            number: (newest ?? 0) + 1,
            parent: try Self.newestNumber(model.id, on: ancestry, in: db)
        )
        try row.insert(db)
        try Self.insertDetails(version, modelID: model.id, number: row.number, in: db)
        return try row.version(of: name, in: db)
    }

    private static func check(
        base: Int64,
        of version: NewVersion,
        _ modelID: Int64,
        _ ancestry: [Branch],
        in db: Database
    ) throws {
        guard let row = try VersionRow.find(base, modelID, in: db) else {
            throw noVersion(base, of: version.model)
        }
        _ = try chain(of: row, of: version.model, in: db)
        guard row.journalPosition <= version.journalPosition,
            isUsable(row, on: ancestry)
        else {
            throw ModelStoreError(
                .invalid,
                "a version on branch \(version.branch) at journal position "
                    + "\(version.journalPosition) cannot add to version \(base), which is on branch "
                    + "\(row.branchID) at \(row.journalPosition)",
                remedy: "name a version whose state this one went on from, or write a whole file"
            )
        }
    }

    /// The version with a number; nil when there is none.
    public func version(
        _ number: Int64,
        of model: String
    ) throws(ModelStoreError) -> ModelVersion? {
        try Self.checkName(model, of: "model")
        return try read { db in
            guard let modelID = try ModelRow.find(model, in: db)?.id else { return nil }
            return try VersionRow.find(number, modelID, in: db)?.version(of: model, in: db)
        }
    }

    /// All versions, in ascending order.
    public func versions(of model: String) throws(ModelStoreError) -> [ModelVersion] {
        try Self.checkName(model, of: "model")
        return try read { db in
            guard let modelID = try ModelRow.find(model, in: db)?.id else { return [] }
            var versions: [ModelVersion] = []
            let rows = try VersionRow.fetchCursor(
                db,
                sql: "SELECT * FROM version WHERE modelID = ? ORDER BY number",
                arguments: [modelID]
            )
            while let row = try rows.next() {
                versions.append(try row.version(of: model, in: db))
            }
            return versions
        }
    }

    static func noVersion(_ number: Int64, of model: String) -> ModelStoreError {
        ModelStoreError(
            .missing,
            "model \"\(model)\" has no version \(number)",
            remedy: "see its versions with: freshet models list"
        )
    }

    private static func insertDetails(
        _ version: NewVersion,
        modelID: Int64,
        number: Int64,
        in db: Database
    ) throws {
        for position in version.nextOffsets {
            try VersionOffsetRow(
                modelID: modelID,
                version: number,
                topic: position.topic,
                partition: position.partition,
                nextOffset: position.offset
            ).insert(db)
        }
        for (place, metric) in version.metrics.enumerated() {
            try VersionMetricRow(
                modelID: modelID,
                version: number,
                place: place,
                name: metric.name,
                value: metric.value.isFinite ? metric.value : nil
            ).insert(db)
        }
    }
}
