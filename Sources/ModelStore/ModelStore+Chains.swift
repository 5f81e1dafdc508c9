// Which versions a model's current state may be loaded from, and the files that make up one. A
// version on the current branch may; so may, after a rollback, the version gone back to and those
// that its state went on from. What a rebuilt branch left behind may not: it holds what was excluded.
import GRDB

extension ModelStore {
    /// The files of a version's state, in the order of loading: a whole one, then increments.
    ///
    /// Throws `.missing` when one of them has been pruned: such a version can only be rebuilt.
    public func chain(of version: ModelVersion) throws(ModelStoreError) -> [ModelVersion] {
        try read { db in
            let modelID = try ModelRow.existing(version.model, in: db).id
            guard let row = try VersionRow.find(version.number, modelID, in: db) else {
                throw Self.noVersion(version.number, of: version.model)
            }
            return try Self.chain(of: row, of: version.model, in: db)
        }
    }

    /// The newest version of the model's current branch (or what the branch begins with) whose
    /// files all have their hashes, as its chain; nil when there is none.
    ///
    /// Reads files from the newest on; each version that cannot be loaded is told to `skipping`. A
    /// version may be pruned after this call has returned it; when a file of the chain turns out to
    /// be missing, another call finds a newer one.
    public func newestIntact(
        of model: String,
        skipping: (DamagedVersion) -> Void
    ) throws(ModelStoreError) -> [ModelVersion]? {
        var checked: [BlobReference: ModelStoreError?] = [:]
        var told: Set<Int64> = []
        while true {
            var wasPruned = false
            for candidate in try candidates(of: model) {
                do throws(ModelStoreError) {
                    let chain = try chain(of: candidate)
                    try verify(chain, checked: &checked)
                    return chain
                } catch {
                    guard error.kind == .damaged || error.kind == .missing else { throw error }
                    if try version(candidate.number, of: model)?.isPruned == true {
                        wasPruned = true
                    } else if told.insert(candidate.number).inserted {
                        skipping(DamagedVersion(version: candidate, problem: error))
                    }
                }
            }
            // What was pruned during the search has made room for newer versions.
            guard wasPruned else { return nil }
        }
    }

    /// The newest version of the model's current branch (or what the branch begins with) whose
    /// files are there in their full size; nil when there is none.
    ///
    /// No file is read: `newestIntact` also checks the hashes.
    public func newestVersion(of model: String) throws(ModelStoreError) -> ModelVersion? {
        try newestChain(of: model)?.last
    }

    /// The chain of `newestVersion`.
    public func newestChain(of model: String) throws(ModelStoreError) -> [ModelVersion]? {
        for candidate in try candidates(of: model) {
            do throws(ModelStoreError) {
                let chain = try chain(of: candidate)
                if chain.allSatisfy({ files.problem($0.blob) == nil }) { return chain }
            } catch {
                guard error.kind == .damaged || error.kind == .missing else { throw error }
            }
        }
        return nil
    }

    /// The versions that were not pruned and whose own file is missing or of a wrong size, in
    /// ascending order.
    public func damagedVersions(of model: String) throws(ModelStoreError) -> [DamagedVersion] {
        try Self.checkName(model, of: "model")
        return try read { db in
            guard let modelID = try ModelRow.find(model, in: db)?.id else { return [] }
            return try VersionRow.withFiles(modelID, in: db).compactMap { row in
                try files.problem(row.blob).map { problem in
                    DamagedVersion(version: try row.version(of: model, in: db), problem: problem)
                }
            }
        }
    }

    /// Throws unless every file of a chain has its hash; each file is read once.
    func verify(
        _ chain: [ModelVersion],
        checked: inout [BlobReference: ModelStoreError?]
    ) throws(ModelStoreError) {
        for version in chain {
            if checked[version.blob] == nil {
                do throws(ModelStoreError) {
                    try verify(version.blob)
                    checked[version.blob] = .some(nil)
                } catch {
                    checked[version.blob] = error
                }
            }
            guard var problem = checked[version.blob] ?? nil else { continue }
            if let last = chain.last, last.number != version.number {
                problem.message =
                    "version \(last.number) adds to version \(version.number): \(problem.message)"
            }
            throw problem
        }
    }

    /// The versions with files that the model's current state may be loaded from, the newest first.
    private func candidates(of model: String) throws(ModelStoreError) -> [ModelVersion] {
        try Self.checkName(model, of: "model")
        return try read { db in
            guard let row = try ModelRow.find(model, in: db) else { return [] }
            let ancestry = try BranchRow.ancestry(of: row.branchID, model: model, in: db)
            return try Self.candidates(row.id, on: ancestry, in: db).map {
                try $0.version(of: model, in: db)
            }
        }
    }

    /// The versions with files that the last branch of an ancestry may be loaded from.
    static func candidates(
        _ modelID: Int64,
        on ancestry: [Branch],
        in db: Database
    ) throws -> [VersionRow] {
        try VersionRow.withFiles(modelID, in: db).reversed().filter { isUsable($0, on: ancestry) }
    }

    /// Whether a version's state is a beginning of what the last branch of an ancestry has learned,
    /// and one that its learning went on from.
    static func isUsable(_ version: VersionRow, on ancestry: [Branch]) -> Bool {
        var newest = Int64.max
        var end = Int64.max
        for branch in ancestry.reversed() {
            if version.branchID == branch.id {
                return version.number <= newest && version.journalPosition >= branch.start
                    && version.journalPosition <= end
            }
            guard let parentVersion = branch.parentVersion else { return false }
            newest = parentVersion
            end = branch.parentPosition
        }
        return false
    }

    /// The newest version that the last branch of an ancestry went on from, pruned or not.
    static func newestNumber(
        _ modelID: Int64,
        on ancestry: [Branch],
        in db: Database
    ) throws -> Int64? {
        guard let branch = ancestry.last else { return nil }
        let own = try Int64.fetchOne(
            db,
            sql: "SELECT max(number) FROM version WHERE modelID = ? AND branchID = ?",
            arguments: [modelID, branch.id]
        )
        if let own { return own }
        if let parentVersion = branch.parentVersion { return parentVersion }
        return try newestNumber(modelID, on: ancestry.dropLast(), in: db)
    }

    static func chain(
        of version: VersionRow,
        of model: String,
        in db: Database
    ) throws -> [ModelVersion] {
        var chain: [ModelVersion] = []
        var next: VersionRow? = version
        while let row = next {
            guard !row.isPruned else {
                throw ModelStoreError(
                    .missing,
                    "version \(row.number) of model \"\(model)\" has been pruned",
                    remedy: "load a newer version, or rebuild it from the log"
                )
            }
            chain.append(try row.version(of: model, in: db))
            guard let base = row.base else { break }
            // A base is older than what adds to it: that ends every walk downwards.
            next = base < row.number ? try VersionRow.find(base, row.modelID, in: db) : nil
            guard next != nil else {
                throw ModelStoreError(
                    .damaged,
                    "version \(row.number) of model \"\(model)\" adds to version \(base), which is "
                        + "no older version of it",
                    remedy: "restore the store from a copy, or use an older version"
                )
            }
        }
        return chain.reversed()
    }
}
