import KafkaWire
import Logging

/// The log of one partition: whole batches in segment files, append-only.
///
/// A plain class, confined to its executor's thread: `Partition` is the door to it. What waits for
/// the disk is left to `PartitionSync`.
final class PartitionLog {
    /// What all logs of a data directory share.
    struct Environment: Sendable {
        var files: any LogFiles
        var flusher: Flusher
        var logger: Logger
        /// The time in milliseconds since 1970.
        var now: @Sendable () -> Int64
        var settings: LogDirectorySettings
        var quarantine: String
    }

    /// Which partition it is.
    let id: PartitionID
    /// The epoch that new batches get.
    let leaderEpoch: Int32
    /// How the topic's logs behave.
    var settings: LogSettings

    let environment: Environment
    let directory: String
    let decompressor: Decompressor
    let sync: PartitionSync
    let checkpoints: CheckpointWriter

    /// In the order of their offsets; never empty; the last one is written to.
    var segments: [LogSegment]
    var openSegments = OpenSegments()
    var producers: ProducerStates
    /// The epochs in which producers may write transactionally.
    ///
    /// Not stored: the coordinator tells again after a start.
    var permissions: [Int64: Int16] = [:]
    var epochs: LeaderEpochs
    var logStart: Int64
    /// The offsets of the `.snap` files, ascending.
    var snapshots: [Int64]
    /// The recovery point, as it will be in the next checkpoint.
    var checkpoint: PartitionCheckpoint
    private var checkpointVersion = 0
    /// Has something done with the log later, on its thread; set by `Partition`.
    var runLater: @Sendable (@escaping @Sendable (PartitionLog) -> Void) -> Void = { _ in }
    /// Whether something happened that the checkpoint on disk does not know.
    var hasChanged = false
    var isDeleted = false
    /// Whether the broker is stopping: what comes now would not be in the last checkpoint.
    var isClosing = false
    /// Where reads ended last: a reader that goes on from there needs no search.
    var readEnds = ReadEnds()
    /// Called once at the next change; bounded by the fetches under way.
    private var waiters: [UInt64: @Sendable () -> Void] = [:]

    /// Takes over what recovery found on disk.
    init(
        _ recovered: RecoveredLog,
        id: PartitionID,
        leaderEpoch: Int32,
        settings: LogSettings,
        environment: Environment,
        decompressor: Decompressor
    ) {
        self.id = id
        self.leaderEpoch = leaderEpoch
        self.settings = settings
        self.environment = environment
        self.decompressor = decompressor
        directory = recovered.directory
        segments = recovered.segments
        producers = recovered.producers
        epochs = recovered.epochs
        logStart = recovered.checkpoint.logStart
        snapshots = recovered.snapshots
        checkpoint = recovered.checkpoint
        checkpoints = CheckpointWriter(directory: recovered.directory)
        let end = recovered.endOffset
        let open = recovered.segments[recovered.segments.count - 1].index.transactions.open
        sync = PartitionSync(
            offsets: LogOffsets(
                logStart: logStart,
                highWatermark: end,
                lastStable: max(logStart, open.first?.firstOffset ?? end)
            ),
            activeSegment: recovered.segments[recovered.segments.count - 1].baseOffset,
            directory: recovered.directory,
            flusher: environment.flusher
        )
    }

    /// The segment that is written to.
    var active: LogSegment { segments[segments.count - 1] }

    /// The next offset to be written.
    var endOffset: Int64 { active.nextOffset }

    /// The offsets as readers see them.
    var offsets: LogOffsets { sync.offsets }

    /// Whether a client's idea of the leader's epoch is ours; -1 means that it has none.
    ///
    /// - Returns: The error for a client with another idea.
    func check(currentLeaderEpoch: Int32) -> ErrorCode? {
        if isDeleted { return .unknownTopicOrPartition }
        if currentLeaderEpoch == -1 || currentLeaderEpoch == leaderEpoch { return nil }
        return currentLeaderEpoch < leaderEpoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    /// Where an epoch ends (OffsetForLeaderEpoch).
    func end(ofEpoch epoch: Int32) -> EpochEnd {
        epochs.end(of: epoch, current: leaderEpoch, endOffset: offsets.highWatermark)
    }
}

/// Waiting for a change.
extension PartitionLog {
    /// Calls a closure once, when the readable end differs from what the caller has seen, or the
    /// log is deleted or fails; at once if that is so already.
    ///
    /// - Parameters:
    ///   - token: Names the wait, for `cancelWait`.
    ///   - seen: The offsets that the caller knows.
    ///   - body: What to call.
    func wait(_ token: UInt64, seen: LogOffsets, _ body: @escaping @Sendable () -> Void) {
        if isDeleted || isClosing || offsets != seen { return body() }
        waiters[token] = body
    }

    /// Ends a wait without calling its closure.
    func cancelWait(_ token: UInt64) { waiters[token] = nil }

    /// Calls everybody who waits for a change.
    func wakeWaiters() {
        if waiters.isEmpty { return }
        let bodies = waiters.values
        waiters = [:]
        for body in bodies { body() }
    }

    /// Refuses everything from now on and tells everybody who waits.
    func markDeleted() {
        isDeleted = true
        sync.fail(
            AppendFailure(.unknownTopicOrPartition, "the topic was deleted"),
            hidesUnsynced: false
        )
        openSegments.closeAll()
        wakeWaiters()
    }
}

/// Recovery points.
extension PartitionLog {
    /// Writes the checkpoint as it is now, on a disk thread.
    ///
    /// - Parameter completion: Called there when the checkpoint is on stable storage or failed.
    func writeCheckpoint(
        _ completion: @escaping @Sendable (BrokerError?) -> Void = { _ in }
    ) {
        checkpoint.logStart = logStart
        checkpoint.epochs = epochs
        checkpointVersion += 1
        environment.flusher.disk.submit {
            [checkpoints, checkpoint, checkpointVersion, flusher = environment.flusher] in
            do throws(BrokerError) {
                try checkpoints.write(checkpoint, version: checkpointVersion)
                completion(nil)
            } catch {
                flusher.report(error)
                completion(error)
            }
        }
    }

    /// Notes that all segments before one are on stable storage.
    func didSync(upTo segment: Int64) {
        guard segment > checkpoint.recoveryOffset, !isDeleted else { return }
        checkpoint.recoveryOffset = segment
        checkpoint.recoverySegment = segment
        checkpoint.recoveryPosition = 0
        writeCheckpoint()
    }

    /// Writes down everything that the next start would otherwise have to find out.
    ///
    /// - Parameter completion: Called when it is on stable storage; false if it could not be.
    func close(_ completion: @escaping @Sendable (Bool) -> Void) {
        isClosing = true
        wakeWaiters()
        guard !isDeleted, hasChanged else { return completion(isDeleted || sync.failure == nil) }
        let index = (path: active.indexPath, bytes: active.index.encoded())
        let snapshot = snapshotFile()
        checkpoint.recoveryOffset = endOffset
        checkpoint.recoverySegment = active.baseOffset
        checkpoint.recoveryPosition = active.byteCount
        checkpoint.logStart = logStart
        checkpoint.epochs = epochs
        checkpointVersion += 1
        let (checkpoints, flusher) = (checkpoints, environment.flusher)
        sync.whenSynced(upTo: endOffset) { [checkpoint, checkpointVersion] failure in
            // Called by a disk thread, or by the log's own if everything is synced: both may wait.
            guard failure == nil else { return completion(false) }
            do throws(BrokerError) {
                try FileSystem.write(index.bytes, to: index.path, isDurable: false)
                try FileSystem.write(snapshot.bytes, to: snapshot.path, isDurable: false)
                try checkpoints.write(checkpoint, version: checkpointVersion)
                completion(true)
            } catch {
                flusher.report(error)
                completion(false)
            }
        }
    }

    /// The `.snap` file of the producers as they are now.
    func snapshotFile() -> (path: String, bytes: [UInt8]) {
        let offset = endOffset
        if snapshots.last != offset { snapshots.append(offset) }
        return (Self.snapshotPath(directory, offset), producers.encoded(at: offset))
    }

    static func snapshotPath(_ directory: String, _ offset: Int64) -> String {
        directory + "/" + LogSegment.name(offset) + ".snap"
    }

    /// Removes snapshots that no start can need: all but the last two and the one before the
    /// recovery point.
    func removeOldSnapshots() throws(BrokerError) {
        let needed = snapshots.last { $0 <= checkpoint.recoveryOffset }
        for offset in snapshots.dropLast(2) where offset != needed {
            try FileSystem.remove(Self.snapshotPath(directory, offset))
            snapshots.removeAll { $0 == offset }
        }
    }
}

/// The log stays on its thread.
@available(*, unavailable)
extension PartitionLog: Sendable {}
