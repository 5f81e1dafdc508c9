import Dispatch
import Logging
import Synchronization

/// Brings what was written to stable storage, and looks after what has to be done now and then.
///
/// Each log that has something to sync is one job for the disk threads, which sync many files in
/// parallel: a slow file delays nobody else. A clock thread remembers which logs nobody waits for,
/// watches the free space, and calls for retention.
final class Flusher: Sendable {
    let disk: DiskThreads
    private let files: any LogFiles
    private let logger: Logger
    private let path: String
    private let settings: LogDirectorySettings
    /// Whether batches are to be refused because the disk is nearly full.
    private let isFull = Atomic<Bool>(false)
    /// At most one entry a log.
    private let delays: Inbox<Delay>
    private let clock = OwnThread(name: "log-clock")

    /// A log, and when it has to be synced at the latest.
    private struct Delay: Sendable {
        var deadline: DispatchTime
        var sync: PartitionSync
    }

    /// Starts the disk threads.
    ///
    /// - Parameters:
    ///   - path: Where the free space is looked at.
    ///   - settings: How many threads, and how often to look.
    ///   - files: The operations on files.
    ///   - logger: Where to report.
    init(
        path: String,
        settings: LogDirectorySettings,
        files: any LogFiles,
        logger: Logger
    ) {
        self.path = path
        self.settings = settings
        self.files = files
        self.logger = logger
        disk = DiskThreads(count: settings.flushThreadCount)
        delays = Inbox(capacity: .max)
        checkFreeSpace()
    }

    /// Starts the clock thread; must be called once.
    ///
    /// - Parameter checkRetention: What to call when it is time to look for old records.
    func startClock(checkRetention: @escaping @Sendable () -> Void) {
        clock.start { [self] in runClock(checkRetention) }
    }

    /// Whether there is room for more batches.
    var hasRoom: Bool { !isFull.load(ordering: .relaxed) }

    /// Syncs files, and stops at the first one that fails.
    func synchronize(_ files: [SegmentFile]) -> BrokerError? {
        for file in files {
            let code = self.files.synchronize(file.descriptor)
            if code != 0 { return FileSystem.failure("sync", file.path, code: code) }
        }
        return nil
    }

    /// Has a log synced later.
    func callLater(_ sync: PartitionSync, afterMilliseconds milliseconds: Int64) {
        let delay = DispatchTimeInterval.milliseconds(Int(clamping: min(milliseconds, 86_400_000)))
        _ = delays.push(Delay(deadline: .now() + delay, sync: sync))
    }

    /// Tells the operator about something that must not be overlooked.
    func report(_ error: BrokerError) { logger.error("\(error)") }

    /// Looks whether the disk is nearly full.
    func checkFreeSpace() {
        guard let free = files.freeByteCount(at: path) else { return }
        let isFullNow = free < settings.minimumFreeByteCount
        guard isFull.exchange(isFullNow, ordering: .relaxed) != isFullNow else { return }
        logger.error(
            isFullNow
                ? "batches are refused: the disk is nearly full"
                : "there is room on the disk again",
            metadata: [
                "path": "\(path)", "free": "\(free)",
                "min.free.bytes": "\(settings.minimumFreeByteCount)",
            ]
        )
    }

    /// Ends the threads after everything that was submitted is done.
    func close() {
        delays.close()
        clock.join()
        disk.close()
    }

    private func runClock(_ checkRetention: @Sendable () -> Void) {
        var waiting: [Delay] = []
        let spaceInterval = interval(settings.freeSpaceCheckMilliseconds)
        let retentionInterval = interval(settings.retentionCheckMilliseconds)
        var nextSpaceCheck = DispatchTime.now() + spaceInterval
        var nextRetention = DispatchTime.now() + retentionInterval
        while true {
            let nextDelay = waiting.map(\.deadline).min() ?? .distantFuture
            let wakeUp = min(nextDelay, nextSpaceCheck, nextRetention)
            guard let added = delays.takeAll(until: wakeUp) else { break }
            waiting += added
            let now = DispatchTime.now()
            for delay in waiting where delay.deadline <= now { delay.sync.delayIsOver() }
            waiting.removeAll { $0.deadline <= now }
            if nextSpaceCheck <= now {
                checkFreeSpace()
                nextSpaceCheck = now + spaceInterval
            }
            if nextRetention <= now {
                checkRetention()
                nextRetention = now + retentionInterval
            }
        }
        // Whoever closes the logs syncs them.
    }

    private func interval(_ milliseconds: Int64) -> DispatchTimeInterval {
        .milliseconds(Int(clamping: max(1, milliseconds)))
    }
}
