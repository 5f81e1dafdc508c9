// Files are given up, versions are not: the row stays and says that the version can be rebuilt. First
// one transaction marks the versions; from then on no reader is led to their files. Then the files
// that no unmarked version refers to are deleted. A process that dies in between leaves files that
// nobody refers to: the next call deletes them, as it does what died before it was recorded.
import GRDB

extension ModelStore {
    /// Deletes the files of versions that the policy does not keep.
    ///
    /// Also kept are the versions that aliases point at, or would when reverted, the one that the
    /// model's current branch begins with, and every base of what is kept. May run while others read
    /// and write: a reader whose version goes away finds its file missing, and `newestIntact` finds
    /// it a newer one.
    public func prune(
        model: String,
        keep policy: RetentionPolicy
    ) throws(ModelStoreError) -> PruneReport {
        try Self.check(model, policy)
        let (pruned, kept) = try write { db in
            let row = try ModelRow.existing(model, in: db)
            let (pruned, kept) = try decide(model, row, policy, in: db)
            for number in pruned {
                try db.execute(
                    sql: "UPDATE version SET isPruned = 1 WHERE modelID = ? AND number = ?",
                    arguments: [row.id, number]
                )
            }
            return (pruned, kept)
        }
        let deleted = try files.deleteUnreferenced { hash throws(ModelStoreError) in
            try read { db in
                try Bool.fetchOne(
                    db,
                    sql:
                        "SELECT EXISTS (SELECT 1 FROM version WHERE blobHash = ? AND isPruned = 0)",
                    arguments: [hash]
                ) ?? false
            }
        }
        return PruneReport(
            pruned: pruned,
            kept: kept,
            deletedFileCount: deleted.fileCount,
            freedByteCount: deleted.byteCount
        )
    }

    /// Which versions `prune` would give up, and which it would keep; changes nothing.
    public func prunable(
        model: String,
        keep policy: RetentionPolicy
    ) throws(ModelStoreError) -> (pruned: [Int64], kept: [Int64]) {
        try Self.check(model, policy)
        return try read { db in
            try decide(model, try ModelRow.existing(model, in: db), policy, in: db)
        }
    }

    private static func check(
        _ model: String,
        _ policy: RetentionPolicy
    ) throws(ModelStoreError) {
        try checkName(model, of: "model")
        guard policy.newest >= 1 else {
            throw ModelStoreError(
                .invalid,
                "\(policy.newest) versions cannot be kept",
                remedy: "keep at least one, from which the model goes on"
            )
        }
    }

    private func decide(
        _ model: String,
        _ row: ModelRow,
        _ policy: RetentionPolicy,
        in db: Database
    ) throws -> (pruned: [Int64], kept: [Int64]) {
        let candidates = try candidates(row.id, in: db)
        let kept = policy.kept(candidates, pinned: try Self.pinned(row, model, in: db))
        let numbers = candidates.map(\.number)
        return (numbers.filter { !kept.contains($0) }, numbers.filter(kept.contains))
    }

    /// What it takes to rebuild a version, pruned or not, from the log.
    public func rebuildNeeds(of version: ModelVersion) throws(ModelStoreError) -> RebuildNeeds {
        try read { db in
            let row = try ModelRow.existing(version.model, in: db)
            let ancestry = try BranchRow.ancestry(
                of: version.branch,
                model: version.model,
                in: db
            )
            let from = try Self.candidates(row.id, on: ancestry, in: db).first { candidate in
                candidate.number < version.number
                    && candidate.journalPosition <= version.journalPosition
                    && isLoadable(candidate, of: version.model, in: db)
            }
            let end = version.journalPosition
            let stretches =
                if let from {
                    try Lineage.stretches(
                        ancestry,
                        after: from.branchID,
                        at: from.journalPosition,
                        upTo: end
                    )
                } else {
                    try Lineage.stretches(ancestry, upTo: end)
                }
            let ranges = try Self.segments(stretches, row.id, in: db).flatMap(\.ranges)
            return RebuildNeeds(
                from: from?.number,
                offsetCount: ranges.reduce(0) { $0 + $1.count },
                ranges: ranges.spans
            )
        }
    }

    private func isLoadable(_ version: VersionRow, of model: String, in db: Database) -> Bool {
        let chain = try? Self.chain(of: version, of: model, in: db)
        return chain?.allSatisfy { files.problem($0.blob) == nil } ?? false
    }

    /// The versions that have files, in ascending order.
    private func candidates(
        _ modelID: Int64,
        in db: Database
    ) throws -> [RetentionPolicy.Candidate] {
        try VersionRow.withFiles(modelID, in: db).map { row in
            RetentionPolicy.Candidate(
                number: row.number,
                base: row.base,
                hasFile: files.problem(row.blob) == nil
            )
        }
    }

    /// The versions that something other than their age keeps.
    private static func pinned(
        _ row: ModelRow,
        _ model: String,
        in db: Database
    ) throws -> Set<Int64> {
        let actions = try ActionRow.all(row.id, in: db)
        var pinned: Set<Int64> = []
        for alias in Set(actions.compactMap(\.alias)) {
            pinned.formUnion(targets(of: alias, actions).suffix(2))
        }
        pinned.formUnion(
            try Int64.fetchAll(
                db,
                sql: "SELECT version FROM alias WHERE modelID = ?",
                arguments: [row.id]
            )
        )
        let branch = try BranchRow.find(row.branchID, model: model, in: db)
        if let parentVersion = branch.parentVersion {
            pinned.insert(parentVersion)
        } else if branch.parent != nil {
            let first = try Int64.fetchOne(
                db,
                sql: "SELECT min(number) FROM version WHERE modelID = ? AND branchID = ?",
                arguments: [row.id, branch.id]
            )
            if let first { pinned.insert(first) }
        }
        return pinned
    }
}

extension [OffsetRange] {
    /// From the first to the last offset of each partition, by topic and partition.
    fileprivate var spans: [OffsetRange] {
        var spans: [String: [Int32: OffsetRange]] = [:]
        for range in self {
            var span = spans[range.topic]?[range.partition] ?? range
            span.first = Swift.min(span.first, range.first)
            span.last = Swift.max(span.last, range.last)
            spans[range.topic, default: [:]][range.partition] = span
        }
        return spans.values.flatMap(\.values).sorted {
            ($0.topic, $0.partition) < ($1.topic, $1.partition)
        }
    }
}
