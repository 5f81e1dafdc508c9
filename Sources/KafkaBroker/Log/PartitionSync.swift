import KafkaWire
import Synchronization

/// What of a log is on stable storage, and who waits for it to be.
///
/// The one place that a log's thread, the disk threads and readers of the offsets share; guarded by
/// a `Mutex` that is never held while waiting for the disk. One sync is under way at a time; what
/// is written meanwhile shares the next one: that is the group commit.
final class PartitionSync: Sendable {
    /// What the owner of the log has to react to.
    enum Event: Sendable {
        /// All segments before this one are on stable storage.
        case syncedUpTo(segment: Int64)
        /// Nothing more will be written.
        case failed
    }

    typealias Completion = @Sendable (AppendFailure?) -> Void

    private struct State {
        var offsets: LogOffsets
        var written: Int64
        var synced: Int64
        /// Files with bytes that no finished or running sync covers, oldest first.
        var unsynced: [SegmentFile] = []
        var isDirectoryUnsynced = false
        var unsyncedRecordCount: Int64 = 0
        var activeSegment: Int64
        /// The segment that the last `syncedUpTo` named.
        var reportedSegment: Int64
        /// Bounded by the requests under way.
        var waiting: [(offset: Int64, completion: Completion)] = []
        var failure: AppendFailure?
        var isQueued = false
        var isRunning = false
        /// Whether another sync was asked for while one is running.
        var isWantedAgain = false
        var isDelayed = false
        var observer: (@Sendable (Event) -> Void)?
    }

    private let state: Mutex<State>
    private let directory: String
    private let flusher: Flusher

    /// Begins with a log that is wholly on stable storage.
    init(offsets: LogOffsets, activeSegment: Int64, directory: String, flusher: Flusher) {
        state = Mutex(
            State(
                offsets: offsets,
                written: offsets.highWatermark,
                synced: offsets.highWatermark,
                activeSegment: activeSegment,
                reportedSegment: activeSegment
            )
        )
        self.directory = directory
        self.flusher = flusher
    }

    /// The log's offsets for readers; callable from any thread.
    var offsets: LogOffsets { state.withLock { $0.offsets } }

    /// Why nothing may be written any more; nil if it may.
    var failure: AppendFailure? { state.withLock { $0.failure } }

    /// Has events reported to a closure, on a disk thread.
    func observe(_ observer: @escaping @Sendable (Event) -> Void) {
        state.withLock { $0.observer = observer }
    }
}

/// For the log's thread.
extension PartitionSync {
    /// Notes that a batch was written.
    ///
    /// - Parameters:
    ///   - file: Where.
    ///   - isNewFile: Whether the file was made for it.
    ///   - segment: The base offset of the file's segment.
    ///   - header: The batch.
    ///   - lastStable: The offset before which no transaction is open now.
    /// - Returns: How many records are unsynced now.
    func didWrite(
        to file: SegmentFile,
        isNewFile: Bool,
        segment: Int64,
        _ header: RecordBatchHeader,
        lastStable: Int64
    ) -> Int64 {
        state.withLock { state in
            if state.unsynced.last !== file { state.unsynced.append(file) }
            if isNewFile { state.isDirectoryUnsynced = true }
            state.activeSegment = segment
            state.written = header.nextOffset
            state.unsyncedRecordCount += Int64(header.recordCount)
            if state.failure == nil {
                state.offsets.highWatermark = header.nextOffset
                state.offsets.lastStable = lastStable
            }
            return state.unsyncedRecordCount
        }
    }

    /// Notes that the log begins later now.
    func didMoveStart(to offset: Int64, lastStable: Int64) {
        state.withLock { state in
            state.offsets.logStart = offset
            if state.failure == nil { state.offsets.lastStable = lastStable }
        }
    }

    /// Calls a closure as soon as everything before an offset is on stable storage, and sees to it
    /// that it will be.
    func whenSynced(upTo offset: Int64, _ completion: @escaping Completion) {
        let (isDone, failure) = state.withLock { state -> (Bool, AppendFailure?) in
            if state.synced >= offset { return (true, nil) }
            if let failure = state.failure { return (true, failure) }
            if offset > state.written { return (true, Self.neverWritten) }
            state.waiting.append((offset, completion))
            return (false, nil)
        }
        if isDone { completion(failure) } else { requestSync() }
    }

    /// The answer to whoever waits for a batch that the files do not hold: it cannot come.
    private static let neverWritten = AppendFailure(
        .kafkaStorageError,
        "the log's snapshot of producers names batches that are not in the log"
    )

    /// Sees to it that what has been written is synced within a time.
    func syncWithin(milliseconds: Int64) {
        let isFirst = state.withLock { state in
            if state.isDelayed || state.failure != nil { return false }
            state.isDelayed = true
            return true
        }
        if isFirst { flusher.callLater(self, afterMilliseconds: milliseconds) }
    }

    /// Has the log synced soon.
    func requestSync() {
        let isFirst = state.withLock { state in
            if state.isRunning { state.isWantedAgain = true }
            if state.isQueued || state.isRunning || state.failure != nil { return false }
            state.isQueued = true
            return true
        }
        if isFirst { flusher.disk.submit { [self] in synchronize() } }
    }

    /// Refuses all further writes, and tells everybody who waits.
    ///
    /// - Parameters:
    ///   - failure: What they are told.
    ///   - hidesUnsynced: Whether what is not on stable storage must not be read any more.
    func fail(_ failure: AppendFailure, hidesUnsynced: Bool) {
        let (waiting, observer) = state.withLock { state -> ([Completion], _) in
            if state.failure == nil { state.failure = failure }
            if hidesUnsynced {
                state.offsets.highWatermark = state.synced
                state.offsets.lastStable = min(state.offsets.lastStable, state.synced)
            }
            defer { state.waiting = [] }
            return (state.waiting.map(\.completion), state.observer)
        }
        for completion in waiting { completion(failure) }
        observer?(.failed)
    }
}

/// For the flusher and its disk threads.
extension PartitionSync {
    /// The time that `syncWithin` set has come.
    func delayIsOver() {
        let isNeeded = state.withLock { state in
            state.isDelayed = false
            return state.synced < state.written
        }
        if isNeeded { requestSync() }
    }

    /// Syncs what is written at this moment, then tells everybody who waited for it.
    private func synchronize() {
        let round = state.withLock { state -> Round in
            state.isQueued = false
            state.isRunning = true
            state.isWantedAgain = false
            defer {
                state.unsynced = []
                state.isDirectoryUnsynced = false
                state.unsyncedRecordCount = 0
            }
            return Round(
                files: state.unsynced,
                syncsDirectory: state.isDirectoryUnsynced,
                offset: state.written,
                activeSegment: state.activeSegment,
                isNeeded: state.failure == nil
            )
        }
        if round.isNeeded, let error = flusher.synchronize(round.files) {
            return stop(error)
        }
        if round.isNeeded, round.syncsDirectory {
            do throws(BrokerError) {
                try FileSystem.synchronizeDirectory(directory)
            } catch {
                return stop(error)
            }
        }
        finish(round)
    }

    /// What one sync covers.
    private struct Round {
        var files: [SegmentFile]
        var syncsDirectory: Bool
        var offset: Int64
        var activeSegment: Int64
        var isNeeded: Bool
    }

    private func finish(_ round: Round) {
        var event: Event?
        var observer: (@Sendable (Event) -> Void)?
        let (done, isNeededAgain) = state.withLock { state -> ([Completion], Bool) in
            state.isRunning = false
            guard state.failure == nil else { return ([], false) }
            state.synced = max(state.synced, round.offset)
            if round.activeSegment > state.reportedSegment {
                state.reportedSegment = round.activeSegment
                event = .syncedUpTo(segment: round.activeSegment)
                observer = state.observer
            }
            var done: [Completion] = []
            state.waiting.removeAll { waiter in
                guard waiter.offset <= state.synced else { return false }
                done.append(waiter.completion)
                return true
            }
            let isBehind = state.synced < state.written && !state.waiting.isEmpty
            return (done, state.isWantedAgain || isBehind)
        }
        if isNeededAgain { requestSync() }
        for completion in done { completion(nil) }
        if let event { observer?(event) }
    }

    /// After a failed sync the kernel may have dropped the bytes: trying again would report success
    /// for bytes that are gone, so the log stays closed for writing until the next start.
    private func stop(_ error: BrokerError) {
        let isDeleted = state.withLock { state in
            state.isRunning = false
            return state.failure?.errorCode == .unknownTopicOrPartition
        }
        if isDeleted { return }
        flusher.report(error)
        fail(AppendFailure(.kafkaStorageError, error.description), hidesUnsynced: true)
    }
}
