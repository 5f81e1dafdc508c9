/// Which versions of a model keep their files.
public struct RetentionPolicy: Hashable, Sendable {
    /// How many of the newest versions that can be loaded keep theirs.
    public var newest: Int

    /// Keeps the files of so many versions, and of those that others depend on.
    public init(newest: Int = 10) {
        self.newest = newest
    }

    /// What the decision needs to know of a version that has a file.
    struct Candidate {
        let number: Int64
        /// The version that its file adds to.
        let base: Int64?
        /// Whether its own file is there in its size.
        let hasFile: Bool
    }

    /// The numbers of the versions that keep their files.
    ///
    /// These are the newest that can be loaded, whatever is newer than the oldest of them, the
    /// pinned ones, and every base of one that is kept. Candidates come in ascending order.
    func kept(_ candidates: [Candidate], pinned: Set<Int64>) -> Set<Int64> {
        var loadable: Set<Int64> = []
        for candidate in candidates where candidate.hasFile {
            if candidate.base.map({ loadable.contains($0) }) ?? true {
                loadable.insert(candidate.number)
            }
        }
        let oldest = loadable.sorted().suffix(newest).first ?? 0
        var kept = Set(candidates.map(\.number).filter { $0 >= oldest || pinned.contains($0) })
        // A base is older than what adds to it: one walk downwards finds all.
        for candidate in candidates.reversed() where kept.contains(candidate.number) {
            if let base = candidate.base { kept.insert(base) }
        }
        return kept
    }
}

/// What `ModelStore.prune` did.
public struct PruneReport: Hashable, Sendable {
    /// The versions that gave up their files now, in ascending order.
    ///
    /// They stay listed and can be rebuilt while the log holds what `rebuildNeeds` names.
    public var pruned: [Int64]
    /// The versions that have files, in ascending order.
    public var kept: [Int64]
    /// How many files were deleted: also those that writers which died had left.
    public var deletedFileCount: Int
    /// How many bytes they had.
    public var freedByteCount: Int64
}

/// What it takes to rebuild a version from the log.
public struct RebuildNeeds: Hashable, Sendable {
    /// The version with a file that the rebuild may go on from; nil when it begins with nothing.
    public var from: Int64?
    /// How many offsets have to be learned again.
    public var offsetCount: Int64
    /// From where to where the log has to hold each partition, by topic and partition.
    public var ranges: [OffsetRange]
}
