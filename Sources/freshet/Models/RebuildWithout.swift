import Foundation
import Learning
import ModelStore
import Pipeline
import Streaming

/// Learns a model anew without some events, and makes the model go on from that.
struct RebuildWithout {
    private let newest: ModelVersion
    private let branch: Branch
    private let effective: EffectiveConfiguration
    private let store: ModelStore

    /// Throws unless `version` is the one that the model goes on from.
    init(
        _ version: ModelVersion,
        _ effective: EffectiveConfiguration,
        _ store: ModelStore
    ) throws {
        let current = try store.newestVersion(of: version.model)
        guard version.number == current?.number else {
            throw CommandFailure(
                .misuse,
                "model \"\(version.model)\" has gone on since version \(version.number), to version "
                    + "\(current?.number ?? 0)",
                remedy: "name \"latest\": events are left out of the model as it is now"
            )
        }
        newest = version
        branch = try store.currentBranch(of: version.model)
        self.effective = effective
        self.store = store
    }

    /// Learns, and records the state as a version on a new branch.
    func run(
        offsets: [OffsetRange],
        users: [String],
        reason: String,
        output: String?
    ) throws -> RebuildCertificate {
        let position = try store.journalPosition(of: newest.model)
        let hashes = try users.map { try ForgottenUsers.hash(Array($0.utf8)) }
        let exclusions =
            offsets.map { Exclusion.offsets($0) }
            + hashes.map { Exclusion.user(saltedHash: $0) }
        let whole = try store.lineage(branch: branch.id, upTo: position)
        try check(offsets, against: whole)
        let lineage = try store.lineage(branch: branch.id, upTo: position, without: exclusions)
        let before = try VersionLearner.load(newest, from: store)
        let hashBefore = try WholeState(before.tensors).hash
        let rebuild = Rebuild(lineage, source: try effective.source(of: whole))
        let learned = try VersionLearner.learn(
            rebuild,
            settings: try VersionLearner.settings(of: newest),
            duplicateWindow: before.duplicateWindow
        )
        let leftOut = hashes.map { rebuild.excludedCount(of: $0) }
        if let index = leftOut.firstIndex(of: 0) {
            throw CommandFailure(
                .failure,
                "model \"\(newest.model)\" has learned no event of user \"\(users[index])\"",
                remedy: "give the id as it is in the events; nothing was changed"
            )
        }
        let state = try WholeState(learned.tensors)
        if let output { try StateFile.write(state.file, to: output) }
        let blob = try state.write(to: store)
        let added = try store.addRebuilt(
            try version(learned, blob, position),
            parent: branch.id,
            upTo: position,
            exclusions: exclusions,
            reason: reason,
            at: WallClock.system.now()
        )
        return RebuildCertificate(
            added,
            before: (newest, hashBefore),
            hash: state.hash,
            offsets: offsets,
            users: zip(hashes, leftOut).map { .init(hash: $0, eventsLeftOut: $1) },
            older: try store.versions(of: newest.model)
                .filter { !$0.isPruned && $0.number < added.number }.map(\.number)
        )
    }

    private func check(
        _ offsets: [OffsetRange],
        against lineage: [LineageSegment]
    ) throws(CommandFailure) {
        let learned = lineage.flatMap(\.ranges)
        for range in offsets {
            let isLearned = learned.contains {
                $0.topic == range.topic && $0.partition == range.partition
                    && $0.first <= range.last && $0.last >= range.first
            }
            guard !isLearned else { continue }
            throw CommandFailure(
                .failure,
                "model \"\(newest.model)\" has learned nothing of \(ExcludedOffsets.text(range))",
                remedy: "name offsets that it has learned; \"freshet models show latest\" tells "
                    + "how far it is; nothing was changed"
            )
        }
    }

    /// What is recorded of the state.
    ///
    /// Its epoch and branch are the store's to choose.
    private func version(
        _ state: VersionLearner.State,
        _ blob: BlobReference,
        _ position: Int64
    ) throws(ModelStoreError) -> NewVersion {
        var version = newest.contents
        version.kind = .retrained
        version.blob = blob
        version.base = nil
        version.codeRevision = freshetVersion
        version.journalPosition = position
        version.nextOffsets = try nextOffsets(at: position)
        version.watermark = state.watermark
        version.eventCount = state.eventCount
        version.metrics = state.metrics.map { ($0.name, $0.value) }
        version.createdAt = WallClock.system.now()
        return version
    }

    /// Where the model goes on reading at a position of its journal.
    private func nextOffsets(at position: Int64) throws(ModelStoreError) -> [OffsetPosition] {
        var next: [TopicPartition: Int64] = [:]
        for known in newest.nextOffsets {
            next[TopicPartition(topic: known.topic, partition: known.partition)] = known.offset
        }
        for entry in try store.journal(of: newest.model, from: newest.journalPosition) {
            let count = min(entry.range.count, position - entry.position)
            guard count > 0 else { break }
            let partition = TopicPartition(
                topic: entry.range.topic,
                partition: entry.range.partition
            )
            next[partition] = max(next[partition] ?? 0, entry.range.first + count)
        }
        return next.sorted { $0.key < $1.key }.map {
            OffsetPosition(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value)
        }
    }
}

/// What was left out of a model: for users, the proof that they have been forgotten.
///
/// Users are named by salted hashes alone: whoever knows an id can check it, nobody can read it.
struct RebuildCertificate: Encodable {
    /// A user who was left out.
    struct User: Encodable {
        /// `SALT:SHA-256(SALT + id)`.
        let hash: String
        let eventsLeftOut: Int
    }

    let model: String
    let versionBefore: Int64
    let hashBefore: String
    let version: Int64
    let hash: String
    let branch: Int64
    let epoch: Int64
    /// How much of the journal the new version has learned; what came after it is learned as it is.
    let journalPosition: Int64
    let events: Int64
    let offsets: [OffsetRange]
    let users: [User]
    /// Older versions with files: they still hold what was left out.
    let olderVersions: [Int64]
    let at: Int64
    var isTakenUp = false

    private enum CodingKeys: String, CodingKey {
        case model, versionBefore, hashBefore, version, hash, branch, epoch, journalPosition, events
        case offsets, users, olderVersions, at
        case isTakenUp = "takenUp"
    }

    init(
        _ added: ModelVersion,
        before: (version: ModelVersion, hash: String),
        hash: String,
        offsets: [OffsetRange],
        users: [User],
        older: [Int64]
    ) {
        model = added.model
        versionBefore = before.version.number
        hashBefore = before.hash
        version = added.number
        self.hash = hash
        branch = added.branch
        epoch = added.epoch
        journalPosition = added.journalPosition
        events = added.eventCount
        self.offsets = offsets
        self.users = users
        olderVersions = older
        at = added.createdAt
    }

    var lines: [String] {
        var lines = [
            "before     version \(versionBefore), SHA-256 \(hashBefore)",
            "after      version \(version), SHA-256 \(hash)",
            "learned    \(grouped(events)) events, journal position \(journalPosition), "
                + "branch \(branch)",
        ]
        lines += offsets.map { "without    \(ExcludedOffsets.text($0))" }
        lines += users.map {
            "without    user \($0.hash), \(grouped($0.eventsLeftOut)) events"
        }
        lines.append("trainer    " + TrainerWait.text(isTakenUp))
        let older = olderVersions.map(String.init).joined(separator: ", ")
        lines.append("still in   \(older.isEmpty ? "no older version" : "versions \(older)")")
        if !older.isEmpty {
            lines.append(
                "           \"freshet models prune --keep 1\" deletes their files, but for those "
                    + "that aliases hold; the events stay in the topic"
            )
        }
        return lines
    }
}
