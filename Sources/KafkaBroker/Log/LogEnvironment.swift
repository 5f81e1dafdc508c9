import Dispatch
import Logging
import NIOPosix
import Synchronization

/// What all logs of a data directory share: how they run, the threads that wait for the disk, the
/// clock, and where to report.
///
/// Each log that has something to sync is one job for the disk threads, which sync many files in
/// parallel: a slow file delays nobody else.
final class LogEnvironment: Sendable {
    /// The data directory.
    let path: String
    let settings: LogDirectorySettings
    let files: any LogFiles
    let logger: Logger
    /// The time in milliseconds since 1970.
    let now: @Sendable () -> Int64
    private let disk: NIOThreadPool
    private let clock = DispatchQueue(label: "log-clock")
    private let isFull = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)

    /// Starts the threads and watches the free space.
    init(
        path: String,
        settings: LogDirectorySettings,
        files: any LogFiles,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.path = path
        self.settings = settings
        self.files = files
        self.logger = logger
        self.now = now
        disk = NIOThreadPool(numberOfThreads: settings.flushThreadCount)
        disk.start()
        checkFreeSpace()
        every(settings.freeSpaceCheckMilliseconds) { [weak self] in self?.checkFreeSpace() }
    }

    /// Whether there is room for more batches.
    var hasRoom: Bool { !isFull.load(ordering: .relaxed) }

    /// Tells the operator about something that must not be overlooked.
    func report(_ error: BrokerError) { logger.error("\(error)") }

    /// Has something done by a thread that may wait for the disk.
    ///
    /// The queue is bounded by its users: a partition is in it at most once.
    func onDisk(_ job: @escaping @Sendable () -> Void) { disk.submit { _ in job() } }

    /// Calls a closure, which must not block, after a time.
    func after(_ milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        let delay = DispatchTimeInterval.milliseconds(Int(min(max(milliseconds, 1), 86_400_000)))
        clock.asyncAfter(deadline: .now() + delay, execute: body)
    }

    /// Calls a closure, which must not block, again and again until the logs are closed.
    func every(_ milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        after(milliseconds) { [weak self] in
            guard let self, !isClosed.load(ordering: .relaxed) else { return }
            body()
            every(milliseconds, body)
        }
    }

    /// Finishes what the disk threads have to do and ends them; blocks.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        try? disk.syncShutdownGracefully()  // Fails only if it was shut down before.
    }

    private func checkFreeSpace() {
        guard let free = files.freeByteCount(at: path) else { return }
        let isFullNow = free < settings.minimumFreeByteCount
        guard isFull.exchange(isFullNow, ordering: .relaxed) != isFullNow else { return }
        logger.error(
            isFullNow
                ? "batches are refused: the disk is nearly full"
                : "there is room on the disk again",
            metadata: [
                "path": "\(path)", "free": "\(free)",
                "minimum": "\(settings.minimumFreeByteCount)",
            ]
        )
    }
}
