// What operators do to a model's learning. Each is one transaction that begins a branch, takes the
// next epoch, so that a running trainer is fenced and recovers again, and leaves a row for the audit.
import GRDB

extension ModelStore {
    /// Makes the model go on from a version, and returns the branch that this begins.
    ///
    /// Events learned since are left out, learning goes on with what comes from now on. `at` is in milliseconds since 1970. Reads the version's files first, and throws `.damaged` or
    /// `.missing` when its state cannot be loaded.
    public func rollback(
        model: String,
        to version: Int64,
        reason: String,
        at: Int64
    ) throws(ModelStoreError) -> Branch {
        try Self.checkName(model, of: "model")
        guard let target = try self.version(version, of: model) else {
            throw Self.noVersion(version, of: model)
        }
        var checked: [BlobReference: ModelStoreError?] = [:]
        try verify(try chain(of: target), checked: &checked)
        return try write { db in
            let row = try ModelRow.existing(model, in: db)
            guard let target = try VersionRow.find(version, row.id, in: db) else {
                throw Self.noVersion(version, of: model)
            }
            _ = try Self.chain(of: target, of: model, in: db)
            let contents = BranchRow.Contents(
                parent: target.branchID,
                parentPosition: target.journalPosition,
                parentVersion: version,
                start: try Self.journalEnd(row.id, in: db),
                reason: reason,
                createdAt: at
            )
            let branch = try begin(contents, model, row, .rollback, version: version, in: db)
            return try BranchRow.find(branch, model: model, in: db)
        }
    }

    /// Records a version that was built anew, and makes the model go on from it.
    ///
    /// The version begins a branch: what branch `parent` had learned up to journal position `upTo`,
    /// without the exclusions; what was journalled since is learned after it. Its epoch and branch
    /// are those that begin here, whatever `version` says. Throws `.invalid` unless `parent` is the
    /// model's current branch (else an operator's action has come between), the version is a whole
    /// file, and its journal position is `upTo`. `at` is in milliseconds since 1970.
    public func addRebuilt(
        _ version: NewVersion,
        parent: Int64,
        upTo: Int64,
        exclusions: [Exclusion],
        reason: String,
        at: Int64
    ) throws(ModelStoreError) -> ModelVersion {
        try Self.checkName(version.model, of: "model")
        for exclusion in exclusions { try Self.check(exclusion) }
        guard version.base == nil, version.journalPosition == upTo else {
            throw ModelStoreError(
                .invalid,
                "a rebuilt version at journal position \(version.journalPosition) that "
                    + (version.base.map { "adds to version \($0)" } ?? "is whole")
                    + " cannot begin a branch at \(upTo)",
                remedy: "write the whole state, at the position where the branch begins"
            )
        }
        try files.hold(version.blob)
        let added = try write { db in
            let row = try ModelRow.existing(version.model, in: db)
            try Self.check(version.model, row, isOn: parent, upTo, in: db)
            let number = try Int64.fetchOne(
                db,
                sql: "SELECT coalesce(max(number), 0) + 1 FROM version WHERE modelID = ?",
                arguments: [row.id]
            )
            let contents = BranchRow.Contents(
                parent: parent,
                parentPosition: upTo,
                start: upTo,
                exclusions: exclusions,
                reason: reason,
                createdAt: at
            )
            var version = version
            version.branch = try begin(
                contents,
                version.model,
                row,
                .rebuild,
                version: number ?? 1,
                in: db
            )
            let begun = try ModelRow.existing(version.model, in: db)
            version.epoch = begun.epoch
            return try insert(version, begun, in: db)
        }
        files.release(version.blob)
        return added
    }

    /// Who took the model's newest epoch.
    ///
    /// Throws `.missing` when there is no such model.
    public func epochTaker(of model: String) throws(ModelStoreError) -> EpochTaker {
        try Self.checkName(model, of: "model")
        return try read { db in
            let row = try ModelRow.existing(model, in: db)
            let action = try ActionRow.fetchOne(
                db,
                sql: "SELECT * FROM action WHERE modelID = ? AND epoch = ?",
                arguments: [row.id, row.epoch]
            )
            return try action.map { .operator(try $0.action) } ?? .trainer
        }
    }

    /// Everything that operators did to the model, the oldest first.
    public func actions(of model: String) throws(ModelStoreError) -> [OperatorAction] {
        try Self.checkName(model, of: "model")
        return try read { db in
            guard let row = try ModelRow.find(model, in: db) else { return [] }
            return try ActionRow.all(row.id, in: db)
        }
    }

    /// Begins a branch in the model's next epoch, and records why; returns the branch.
    private func begin(
        _ contents: BranchRow.Contents,
        _ model: String,
        _ row: ModelRow,
        _ kind: OperatorAction.Kind,
        version: Int64,
        in db: Database
    ) throws -> Int64 {
        let left = try BranchRow.ancestry(of: row.branchID, model: model, in: db)
        let branch = try BranchRow.insert(contents, modelID: row.id, in: db)
        try ActionRow(
            modelID: row.id,
            kind: kind,
            version: version,
            previous: try Self.newestNumber(row.id, on: left, in: db),
            branch: branch,
            epoch: try Self.takeEpoch(of: row, branch: branch, in: db),
            reason: contents.reason,
            at: contents.createdAt
        ).insert(db)
        return branch
    }

    /// Throws unless a branch is the model's current one and has learned up to a position.
    private static func check(
        _ model: String,
        _ row: ModelRow,
        isOn parent: Int64,
        _ upTo: Int64,
        in db: Database
    ) throws {
        guard row.branchID == parent else {
            throw ModelStoreError(
                .invalid,
                "model \"\(model)\" is on branch \(row.branchID), not on \(parent)",
                remedy:
                    "it was rolled back or rebuilt meanwhile: rebuild from its newest version"
            )
        }
        let branch = try BranchRow.find(parent, model: model, in: db)
        let end = try journalEnd(row.id, in: db)
        guard upTo >= branch.start, upTo <= end else {
            throw ModelStoreError(
                .invalid,
                "branch \(parent) of model \"\(model)\" has no journal position \(upTo)",
                remedy: "name one from \(branch.start) to \(end)"
            )
        }
    }

    private static func check(_ exclusion: Exclusion) throws(ModelStoreError) {
        switch exclusion {
        case .offsets(let range):
            try check(range)
        case .user(let saltedHash):
            guard (1...200).contains(saltedHash.utf8.count) else {
                throw ModelStoreError(
                    .invalid,
                    "\"\(saltedHash.prefix(80))\" is no salted hash of a user",
                    remedy: "give 1 to 200 bytes of text"
                )
            }
        }
    }
}
