import GRDB

/// A row of the table `version`, and the rows of `versionOffset` and `versionMetric` that go with it.
struct VersionRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "version"

    let modelID: Int64
    let number: Int64
    let parent: Int64?
    let epoch: Int64
    let kind: String
    let blobHash: String
    let blobByteCount: Int64
    let settings: String
    let codeRevision: String
    let journalPosition: Int64
    let sequence: Int64
    let updateHash: String
    let updatesOffset: Int64
    let watermark: Int64
    let eventCount: Int64
    let createdAt: Int64
    let base: Int64?
    let branchID: Int64
    let isPruned: Bool

    init(_ version: NewVersion, modelID: Int64, number: Int64, parent: Int64?) {
        self.modelID = modelID
        self.number = number
        self.parent = parent
        epoch = version.epoch
        kind = version.kind.rawValue
        blobHash = version.blob.hash
        blobByteCount = version.blob.byteCount
        settings = version.settings
        codeRevision = version.codeRevision
        journalPosition = version.journalPosition
        sequence = version.sequence
        updateHash = version.updateHash
        updatesOffset = version.updatesOffset
        watermark = version.watermark
        eventCount = version.eventCount
        createdAt = version.createdAt
        base = version.base
        branchID = version.branch
        isPruned = false
    }

    var blob: BlobReference { BlobReference(hash: blobHash, byteCount: blobByteCount) }

    static func find(_ number: Int64, _ modelID: Int64, in db: Database) throws -> VersionRow? {
        try fetchOne(
            db,
            sql: "SELECT * FROM version WHERE modelID = ? AND number = ?",
            arguments: [modelID, number]
        )
    }

    /// The versions that have not been pruned, in ascending order.
    static func withFiles(_ modelID: Int64, in db: Database) throws -> [VersionRow] {
        try fetchAll(
            db,
            sql: "SELECT * FROM version WHERE modelID = ? AND isPruned = 0 ORDER BY number",
            arguments: [modelID]
        )
    }

    /// The whole version, with its offsets and metrics.
    func version(of model: String, in db: Database) throws -> ModelVersion {
        guard let kind = NewVersion.Kind(rawValue: kind) else {
            throw ModelStoreError(
                .damaged,
                "version \(number) of model \"\(model)\" is of unknown kind \"\(kind)\"",
                remedy: "use the freshet that made the store, or restore it from a copy"
            )
        }
        guard number > 0, epoch > 0, blob.isWellFormed, eventCount >= 0, sequence >= 0,
            updatesOffset >= 0, (0..<Int64.max / 4).contains(journalPosition)
        else {
            throw ModelStoreError(
                .damaged,
                "version \(number) of model \"\(model)\" holds a value that none can have",
                remedy: "restore the store from a copy"
            )
        }
        let contents = NewVersion(
            model: model,
            epoch: epoch,
            kind: kind,
            blob: blob,
            base: base,
            branch: branchID,
            settings: settings,
            codeRevision: codeRevision,
            journalPosition: journalPosition,
            nextOffsets: try VersionOffsetRow.all(modelID, number, in: db).map(\.position),
            sequence: sequence,
            updateHash: updateHash,
            updatesOffset: updatesOffset,
            watermark: watermark,
            eventCount: eventCount,
            metrics: try VersionMetricRow.all(modelID, number, in: db).map(\.metric),
            createdAt: createdAt
        )
        return ModelVersion(
            number: number,
            parent: parent,
            isPruned: isPruned,
            contents: contents
        )
    }
}

/// Where to go on in one partition after a version.
struct VersionOffsetRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "versionOffset"

    let modelID: Int64
    let version: Int64
    let topic: String
    let partition: Int32
    let nextOffset: Int64

    var position: OffsetPosition {
        OffsetPosition(topic: topic, partition: partition, offset: nextOffset)
    }

    static func all(_ modelID: Int64, _ version: Int64, in db: Database) throws -> [Self] {
        try fetchAll(
            db,
            sql: """
                SELECT * FROM versionOffset WHERE modelID = ? AND version = ?
                ORDER BY topic, partition
                """,
            arguments: [modelID, version]
        )
    }
}

/// One figure of a version; NULL stands for a value that is not finite.
struct VersionMetricRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "versionMetric"

    let modelID: Int64
    let version: Int64
    let place: Int
    let name: String
    let value: Double?

    var metric: (name: String, value: Double) { (name, value ?? .nan) }

    static func all(_ modelID: Int64, _ version: Int64, in db: Database) throws -> [Self] {
        try fetchAll(
            db,
            sql: "SELECT * FROM versionMetric WHERE modelID = ? AND version = ? ORDER BY place",
            arguments: [modelID, version]
        )
    }
}
