import KafkaWire

/// The log of one partition: whole batches in segment files, append-only.
///
/// A plain class, confined to its executor's thread: `Partition` is the door to it. What waits for
/// the disk is left to `PartitionProgress`.
final class PartitionLog {
    /// Which partition it is.
    let id: PartitionID
    /// The epoch that new batches get.
    let leaderEpoch: Int32
    /// How the topic's logs behave.
    var settings: LogSettings

    let directory: String
    let environment: LogEnvironment
    let decompressor: Decompressor
    let openFiles: OpenFiles
    let progress: PartitionProgress

    /// In the order of their offsets; never empty; the last one is written to.
    var segments: [LogSegment]
    var producers: ProducerStates
    /// The epochs in which producers may write transactionally.
    ///
    /// Not stored: the coordinator tells again after a start.
    var permissions: [Int64: Int16] = [:]
    var epochs: LeaderEpochs
    var logStart: Int64
    /// The first readable offset that has been in the checkpoint on disk for long enough: files
    /// before it may go.
    var removableStart: Int64
    /// The offsets of the `.snap` files, ascending.
    var snapshots: [Int64]
    /// The recovery point, as it will be in the next checkpoint.
    var checkpoint: PartitionCheckpoint
    /// Has something done with the log later, on its thread; set by `Partition`.
    var runLater: @Sendable (@escaping @Sendable (PartitionLog) -> Void) -> Void = { _ in }
    /// Whether something happened that the checkpoint on disk does not know.
    var hasChanged = false
    /// Whether the last batch could not be written.
    var isFailing = false
    var isDeleted = false
    /// Whether the broker is stopping: what comes now would not be in the last checkpoint.
    var isClosing = false

    /// Takes over what recovery found on disk.
    init(
        _ recovered: LogRecovery,
        leaderEpoch: Int32,
        settings: LogSettings,
        executor: LogExecutor
    ) {
        id = recovered.id
        directory = recovered.directory
        environment = recovered.environment
        self.leaderEpoch = leaderEpoch
        self.settings = settings
        decompressor = executor.decompressor
        openFiles = executor.openFiles
        segments = recovered.segments
        producers = recovered.producers
        epochs = recovered.epochs
        snapshots = recovered.snapshots
        checkpoint = recovered.checkpoint
        logStart = checkpoint.logStart
        removableStart = checkpoint.logStart
        let end = recovered.endOffset
        let open = recovered.segments[recovered.segments.count - 1].index.transactions.open
        progress = PartitionProgress(
            offsets: LogOffsets(
                logStart: logStart,
                highWatermark: end,
                lastStable: max(logStart, open.first?.firstOffset ?? end)
            ),
            directory: directory,
            environment: environment
        )
    }

    /// The segment that is written to.
    var active: LogSegment { segments[segments.count - 1] }

    /// The next offset to be written.
    var endOffset: Int64 { active.nextOffset }

    /// The offsets as readers see them.
    var offsets: LogOffsets { progress.offsets }

    /// Where an epoch ends (OffsetForLeaderEpoch).
    func end(of epoch: Int32) -> EpochEnd {
        epochs.end(of: epoch, current: leaderEpoch, endOffset: offsets.highWatermark)
    }

    /// Whether a client's idea of the leader's epoch is ours; -1 means that it has none.
    ///
    /// - Returns: The error for a client with another idea, or for a deleted log.
    func check(currentLeaderEpoch: Int32) -> ErrorCode? {
        if isDeleted { return .unknownTopicOrPartition }
        if currentLeaderEpoch == -1 || currentLeaderEpoch == leaderEpoch { return nil }
        return currentLeaderEpoch < leaderEpoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    /// Refuses what cannot be written now, for whatever reason.
    func checkWritable() throws(BrokerError) {
        if let failure = progress.failure { throw failure }
        if isClosing { throw BrokerError(.kafkaStorageError, "the broker is stopping") }
    }

    /// Refuses everything from now on and tells everybody who waits.
    func markDeleted() {
        isDeleted = true
        progress.end()
        progress.fail(.unknownTopic("\(id)"), hidesUnsynced: false)
        openFiles.close(segments)
    }
}

/// Recovery points.
extension PartitionLog {
    /// Writes the checkpoint as it is now, on a disk thread.
    ///
    /// - Parameter completion: Called there when the checkpoint is on stable storage or failed.
    func writeCheckpoint(_ completion: @escaping PartitionProgress.Completion = { _ in }) {
        checkpoint.logStart = logStart
        checkpoint.epochs = epochs
        progress.store(checkpoint, completion)
    }

    /// Moves the recovery point to the beginning of a segment as soon as all before it is synced.
    func moveRecoveryPoint(to segment: Int64) {
        progress.whenSynced(upTo: segment) { [runLater] failure in
            guard failure == nil else { return }
            runLater { log in
                guard segment > log.checkpoint.recoveryOffset, !log.isDeleted else { return }
                log.checkpoint.recoveryOffset = segment
                log.checkpoint.recoveryPosition = 0
                log.writeCheckpoint()
            }
        }
    }

    /// Writes down everything that the next start would otherwise have to find out.
    ///
    /// - Parameter completion: Called when it is on stable storage; false if it could not be.
    func close(_ completion: @escaping @Sendable (Bool) -> Void) {
        isClosing = true
        progress.end()
        guard !isDeleted, hasChanged else {
            return completion(isDeleted || progress.failure == nil)
        }
        let index = (path: active.indexPath, bytes: active.index.encoded())
        let snapshot = snapshotFile()
        checkpoint.recoveryOffset = endOffset
        checkpoint.recoveryPosition = Int64(active.byteCount)
        checkpoint.logStart = logStart
        checkpoint.epochs = epochs
        progress.whenSynced(upTo: endOffset) { [progress, checkpoint, environment] failure in
            // Called by a disk thread, or by the log's own if everything is synced: both may wait.
            guard failure == nil else { return completion(false) }
            do throws(BrokerError) {
                try FileSystem.write(index.bytes, to: index.path, isDurable: false)
                try FileSystem.write(snapshot.bytes, to: snapshot.path, isDurable: false)
                progress.store(checkpoint) { completion($0 == nil) }
            } catch {
                environment.report(error)
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
