import KafkaWire
import Synchronization

/// How far a log is: what readers may have, what is on stable storage, and who waits for more of
/// either.
///
/// The one place that a log's thread, the disk threads and readers share; guarded by a `Mutex`
/// that is never held while waiting for the disk. One sync is under way at a time; what is
/// written meanwhile shares the next one: that is the group commit.
final class PartitionProgress: Sendable {
    /// Is told once whether it happened.
    typealias Completion = @Sendable (BrokerError?) -> Void
    /// Is told how many more bytes can be read; `Int64.max` if anything else happened.
    typealias Reader = @Sendable (_ byteCount: Int64) -> Void

    private struct State {
        var offsets: LogOffsets
        /// How many bytes were appended in this run, for readers of all and of committed records.
        var appended = (all: Int64(0), committed: Int64(0))
        var written: Int64
        var synced: Int64
        /// The offset up to which somebody wants the log synced.
        var wanted: Int64
        /// Files with bytes that no sync covers, oldest first.
        var unsynced: [SegmentFile] = []
        var hasNewFile = false
        var unsyncedRecordCount: Int64 = 0
        /// What the next sync writes when the files are synced, and who waits for that.
        var checkpoint: PartitionCheckpoint?
        var storing: [Completion] = []
        /// Bounded by the requests under way, as are the readers.
        var syncing: [(offset: Int64, completion: Completion)] = []
        var readers: [UInt64: (isolation: Isolation, seen: Int64, body: Reader)] = [:]
        var lastToken: UInt64 = 0
        var failure: BrokerError?
        /// Whether a sync is under way or waits for a disk thread.
        var isSyncing = false
        var isDelayed = false
        /// Whether nothing will ever come: the log is deleted or closes.
        var hasEnded = false

        func appended(_ isolation: Isolation) -> Int64 {
            isolation == .readCommitted ? appended.committed : appended.all
        }

        /// What there is to tell to readers.
        mutating func news() -> [@Sendable () -> Void] {
            var calls: [@Sendable () -> Void] = []
            for (token, reader) in readers {
                let now = appended(reader.isolation)
                if now == reader.seen, !hasEnded { continue }
                readers[token]?.seen = now
                let more = hasEnded ? Int64.max : now - reader.seen
                calls.append { reader.body(more) }
            }
            return calls
        }

        /// Whether a sync has to be started; then it counts as under way.
        mutating func beginSync() -> Bool {
            if isSyncing || (wanted <= synced && checkpoint == nil) { return false }
            isSyncing = true
            return true
        }
    }

    private let state: Mutex<State>
    private let directory: String
    private let environment: LogEnvironment

    /// Begins with a log that is wholly on stable storage.
    init(offsets: LogOffsets, directory: String, environment: LogEnvironment) {
        let end = offsets.highWatermark
        state = Mutex(State(offsets: offsets, written: end, synced: end, wanted: end))
        self.directory = directory
        self.environment = environment
    }

    /// The log's offsets for readers.
    var offsets: LogOffsets { state.withLock { $0.offsets } }

    /// Why nothing may be written any more; nil if it may.
    var failure: BrokerError? { state.withLock { $0.failure } }

    /// How many bytes such a reader could have got in this run so far.
    func appendedByteCount(_ isolation: Isolation) -> Int64 {
        state.withLock { $0.appended(isolation) }
    }
}

/// For the log's thread.
extension PartitionProgress {
    /// Notes that a batch was written, and calls the readers that it is for.
    ///
    /// - Parameters:
    ///   - header: The batch.
    ///   - file: Where.
    ///   - isNewFile: Whether the file was made for it.
    ///   - lastStable: The offset before which no transaction is open now.
    /// - Returns: How many records are unsynced now.
    func didWrite(
        _ header: RecordBatchHeader,
        to file: SegmentFile,
        isNewFile: Bool,
        lastStable: Int64
    ) -> Int64 {
        let (unsynced, calls) = state.withLock { state in
            if state.unsynced.last !== file { state.unsynced.append(file) }
            state.hasNewFile = state.hasNewFile || isNewFile
            state.written = header.nextOffset
            state.unsyncedRecordCount += Int64(header.recordCount)
            if state.failure == nil {
                state.appended.all += Int64(header.totalByteCount)
                // How many bytes a marker makes readable is not known exactly: at most all.
                if lastStable > state.offsets.lastStable {
                    state.appended.committed = state.appended.all
                }
                state.offsets.highWatermark = header.nextOffset
                state.offsets.lastStable = lastStable
            }
            return (state.unsyncedRecordCount, state.news())
        }
        for call in calls { call() }
        return unsynced
    }

    /// Notes that the log begins later now.
    func didMoveStart(to offset: Int64, lastStable: Int64) {
        state.withLock { state in
            state.offsets.logStart = offset
            if state.failure == nil { state.offsets.lastStable = lastStable }
        }
        callReaders()
    }

    /// Calls a closure as soon as everything before an offset is on stable storage, and sees to it
    /// that it will be; at once or on a disk thread.
    func whenSynced(upTo offset: Int64, _ completion: @escaping Completion) {
        let (isKnown, failure, isFirst) = state.withLock { state in
            if state.synced >= offset { return (true, nil as BrokerError?, false) }
            if let failure = state.failure { return (true, failure, false) }
            state.syncing.append((offset, completion))
            state.wanted = max(state.wanted, offset)
            return (false, nil, state.beginSync())
        }
        if isKnown { completion(failure) }
        if isFirst { startSync() }
    }

    /// Sees to it that what has been written is synced within a time; 0 for at once.
    func sync(withinMilliseconds milliseconds: Int64) {
        if milliseconds == 0 { return syncAll() }
        let isFirst = state.withLock { state in
            defer { state.isDelayed = true }
            return !state.isDelayed
        }
        guard isFirst else { return }
        environment.after(milliseconds) { [weak self] in
            self?.state.withLock { $0.isDelayed = false }
            self?.syncAll()
        }
    }

    private func syncAll() {
        let isFirst = state.withLock { state in
            state.wanted = state.written
            return state.failure == nil && state.beginSync()
        }
        if isFirst { startSync() }
    }

    /// Writes a checkpoint after the next sync.
    ///
    /// - Parameters:
    ///   - checkpoint: What to write; takes the place of one that was not written yet.
    ///   - completion: Called once, on a disk thread, when it is on stable storage or failed.
    func store(_ checkpoint: PartitionCheckpoint, _ completion: @escaping Completion) {
        let isFirst = state.withLock { state in
            state.checkpoint = checkpoint
            state.storing.append(completion)
            return state.beginSync()
        }
        if isFirst { startSync() }
    }

    /// Refuses all further writes, and tells everybody who waits.
    ///
    /// - Parameters:
    ///   - failure: What they are told.
    ///   - hidesUnsynced: Whether what is not on stable storage must not be read any more.
    func fail(_ failure: BrokerError, hidesUnsynced: Bool) {
        let waiting = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            if hidesUnsynced {
                state.offsets.highWatermark = state.synced
                state.offsets.lastStable = min(state.offsets.lastStable, state.synced)
            }
            defer { state.syncing = [] }
            return state.syncing
        }
        for waiter in waiting { waiter.completion(failure) }
        callReaders()
    }

    /// Calls the readers a last time: the log is deleted or closes.
    func end() {
        state.withLock { $0.hasEnded = true }
        callReaders()
    }
}

/// For readers.
extension PartitionProgress {
    /// Calls a closure whenever there is more to read, until `cancelWait`; at once if there is more
    /// already.
    ///
    /// - Parameters:
    ///   - isolation: Whose records are wanted.
    ///   - seen: How many bytes there were to read when the caller did (`LogRead.appended`).
    ///   - body: What to call; must not block.
    /// - Returns: A token for `cancelWait`.
    func wait(_ isolation: Isolation, beyond seen: Int64, _ body: @escaping Reader) -> UInt64 {
        let (token, calls) = state.withLock { state in
            state.lastToken += 1
            state.readers[state.lastToken] = (isolation, seen, body)
            return (state.lastToken, state.news())
        }
        for call in calls { call() }
        return token
    }

    /// Ends a wait; a call that is under way may still come.
    func cancelWait(_ token: UInt64) { state.withLock { $0.readers[token] = nil } }

    private func callReaders() {
        for reader in state.withLock({ Array($0.readers.values) }) { reader.body(.max) }
    }
}

/// For the disk threads.
extension PartitionProgress {
    private func startSync() { environment.onDisk { [self] in synchronize() } }

    /// Syncs what is written at this moment, then tells everybody who waited for it.
    private func synchronize() {
        let (files, hasNewFile, offset) = state.withLock { state in
            defer {
                state.unsynced = []
                state.hasNewFile = false
                state.unsyncedRecordCount = 0
            }
            // What failed once, or is deleted, is not tried.
            return state.failure == nil
                ? (state.unsynced, state.hasNewFile, state.written) : ([], false, state.synced)
        }
        do throws(BrokerError) {
            for file in files { try file.synchronize(environment.files) }
            if hasNewFile { try FileSystem.synchronizeDirectory(directory, environment.files) }
        } catch {
            stop(error)
        }
        let (done, checkpoint) = state.withLock { state in
            if state.failure == nil { state.synced = offset }
            let synced = state.synced
            let done = state.syncing.filter { $0.offset <= synced }
            state.syncing.removeAll { $0.offset <= synced }
            defer { (state.checkpoint, state.storing) = (nil, []) }
            return (done, state.checkpoint.map { ($0, state.storing) })
        }
        // What came meanwhile need not wait until everybody has been told.
        if checkpoint == nil { endSync() }
        for waiter in done { waiter.completion(nil) }
        guard let (checkpoint, storing) = checkpoint else { return }
        let failure = write(checkpoint)
        for completion in storing { completion(failure) }
        endSync()
    }

    private func endSync() {
        let isNeededAgain = state.withLock { state in
            state.isSyncing = false
            return (state.failure == nil || state.checkpoint != nil) && state.beginSync()
        }
        if isNeededAgain { startSync() }
    }

    private func write(_ checkpoint: PartitionCheckpoint) -> BrokerError? {
        do throws(BrokerError) {
            let path = directory + "/" + PartitionCheckpoint.fileName
            try FileSystem.write(checkpoint.encoded(), to: path, isDurable: true)
            return nil
        } catch {
            environment.report(error)
            return error
        }
    }

    /// After a failed sync the kernel may have dropped the bytes: trying again would report success
    /// for bytes that are gone, so the log stays closed for writing until the next start.
    private func stop(_ error: BrokerError) {
        let isDeleted = state.withLock { $0.hasEnded && $0.failure != nil }
        if isDeleted { return }
        environment.report(error)
        fail(error, hidesUnsynced: true)
    }
}
