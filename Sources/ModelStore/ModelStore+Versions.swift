import GRDB

extension ModelStore {
    /// Records a checkpoint whose file has been written, in one transaction, as the next version.
    ///
    /// Throws `.fenced` when a newer epoch has begun, `.missing` or `.damaged` when the file is not
    /// there in its size, and `.invalid` when the version contains more than has been journalled:
    /// it could not be rebuilt.
    public func addVersion(_ version: NewVersion) throws(ModelStoreError) -> ModelVersion {
        try Self.checkName(version.model, of: "model")
        if let problem = files.problem(version.blob) { throw problem }
        return try write { db in
            let modelID = try ModelRow.find(version.model, inEpoch: version.epoch, in: db).id
            let journalEnd = try Self.journalEnd(modelID, in: db)
            guard (0...journalEnd).contains(version.journalPosition) else {
                throw ModelStoreError(
                    .invalid,
                    "a version at journal position \(version.journalPosition) cannot be recorded: "
                        + "the journal of model \"\(version.model)\" ends at \(journalEnd)",
                    remedy: "journal what was learned before recording the version"
                )
            }
            let parent = try Int64.fetchOne(
                db,
                sql: "SELECT max(number) FROM version WHERE modelID = ?",
                arguments: [modelID]
            )
            let row = VersionRow(
                version,
                modelID: modelID,
                number: (parent ?? 0) + 1,
                parent: parent
            )
            try row.insert(db)
            try Self.insertDetails(version, modelID: modelID, number: row.number, in: db)
            return try row.version(of: version.model, in: db)
        }
    }

    /// The newest version whose file is there in its full size; nil when there is none.
    ///
    /// What it passes over is told by `damagedVersions`. The hash is checked by `readBlob`.
    public func newestVersion(of model: String) throws(ModelStoreError) -> ModelVersion? {
        try Self.checkName(model, of: "model")
        return try read { db in
            let rows = try Self.versionRows(of: model, order: "number DESC", in: db)
            while let row = try rows?.next() {
                let version = try row.version(of: model, in: db)
                if files.problem(version.blob) == nil { return version }
            }
            return nil
        }
    }

    /// The newest version whose file is whole, and its bytes; nil when there is none.
    ///
    /// Reads files from the newest on until one has its hash; each damaged one is told to `skipping`.
    public func newestIntactVersion(
        of model: String,
        skipping: (DamagedVersion) -> Void
    ) throws(ModelStoreError) -> (version: ModelVersion, bytes: [UInt8])? {
        for version in try versions(of: model).reversed() {
            do throws(ModelStoreError) {
                return (version, try readBlob(version.blob))
            } catch {
                guard error.kind == .damaged || error.kind == .missing else { throw error }
                skipping(DamagedVersion(version: version, problem: error))
            }
        }
        return nil
    }

    /// The versions whose file is missing or of a wrong size, in ascending order.
    public func damagedVersions(of model: String) throws(ModelStoreError) -> [DamagedVersion] {
        try versions(of: model).compactMap { version in
            files.problem(version.blob).map { DamagedVersion(version: version, problem: $0) }
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
            let row = try VersionRow.fetchOne(
                db,
                sql: "SELECT * FROM version WHERE modelID = ? AND number = ?",
                arguments: [modelID, number]
            )
            return try row?.version(of: model, in: db)
        }
    }

    /// All versions, in ascending order.
    public func versions(of model: String) throws(ModelStoreError) -> [ModelVersion] {
        try Self.checkName(model, of: "model")
        return try read { db in
            var versions: [ModelVersion] = []
            let rows = try Self.versionRows(of: model, order: "number", in: db)
            while let row = try rows?.next() {
                versions.append(try row.version(of: model, in: db))
            }
            return versions
        }
    }

    private static func versionRows(
        of model: String,
        order: String,
        in db: Database
    ) throws -> RecordCursor<VersionRow>? {
        guard let modelID = try ModelRow.find(model, in: db)?.id else { return nil }
        return try VersionRow.fetchCursor(
            db,
            sql: "SELECT * FROM version WHERE modelID = ? ORDER BY \(order)",
            arguments: [modelID]
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
