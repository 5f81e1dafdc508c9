import Dispatch
import Foundation
import KafkaWire
import Logging
import NIOCore
import Synchronization
import Testing

@testable import KafkaBroker

/// A directory of a test's own, which goes with it.
final class LogScratch: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("log-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// A copy, as a crash would leave the directory: what was written, and nothing else.
    init(copyOf other: LogScratch) throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("log-\(UUID().uuidString)", isDirectory: true)
        try Self.copy(other.url, to: url)
    }

    /// Copies checkpoints first: one that is newer than the segments would promise too much.
    private static func copy(_ source: URL, to target: URL) throws {
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        let names = try FileManager.default.contentsOfDirectory(atPath: source.path)
        for name in names.sorted(by: >) where !name.hasSuffix(".new") {
            let child = source.appendingPathComponent(name)
            let copy = target.appendingPathComponent(name)
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: child.path, isDirectory: &isDirectory)
            if isDirectory.boolValue {
                try Self.copy(child, to: copy)
            } else if let data = try? Data(contentsOf: child) {
                try data.write(to: copy)  // Those that have gone meanwhile are not missed.
            }
        }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The files of the test's partition with an ending, in order.
    func files(_ ending: String) throws -> [URL] {
        let directory = url.appendingPathComponent(
            "t/\(PartitionID.directoryName(OpenLog.topic))/0"
        )
        return try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(ending) }
            .sorted()
            .map { directory.appendingPathComponent($0) }
    }
}

/// Files that fail when they are told to.
final class FailingFiles: LogFiles {
    struct Faults: Sendable {
        var failsSync = false
        var failsTruncate = false
        var failsDirectorySync = false
        var directorySyncCount = 0
        /// The most bytes that a write takes; what is beyond is not written.
        var writtenByteCount = Int.max
        var writeError: Int32 = 0
        var freeByteCount: Int64 = 1 << 40
        var syncCount = 0
        /// Blocks syncing until it is signalled.
        var gate: DispatchSemaphore?
    }

    let faults = Mutex(Faults())
    private let system = SystemLogFiles()

    /// How often something was synced, or was tried to.
    var syncCount: Int { faults.withLock { $0.syncCount } }
    var directorySyncCount: Int { faults.withLock { $0.directorySyncCount } }

    func set(_ change: (inout Faults) -> Void) { faults.withLock { change(&$0) } }

    func write(
        _ head: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        to descriptor: Int32,
        at position: Int
    ) -> Int {
        let (limit, error) = faults.withLock { ($0.writtenByteCount, $0.writeError) }
        if error != 0 { return -Int(error) }
        let first = UnsafeRawBufferPointer(rebasing: head.prefix(limit))
        let rest = UnsafeRawBufferPointer(rebasing: body.prefix(max(0, limit - first.count)))
        return system.write(first, rest, to: descriptor, at: position)
    }

    func synchronize(_ descriptor: Int32) -> Int {
        let (fails, gate) = faults.withLock { faults -> (Bool, DispatchSemaphore?) in
            faults.syncCount += 1
            return (faults.failsSync, faults.gate)
        }
        if let gate {
            gate.wait()
            gate.signal()
        }
        return fails ? -Int(EIO) : system.synchronize(descriptor)
    }

    func synchronizeDirectory(_ path: String) -> Int {
        let fails = faults.withLock { faults in
            faults.directorySyncCount += 1
            return faults.failsDirectorySync
        }
        return fails ? -Int(EIO) : system.synchronizeDirectory(path)
    }

    func truncate(_ descriptor: Int32, to byteCount: Int) -> Int {
        let fails = faults.withLock { $0.failsTruncate }
        return fails ? -Int(EIO) : system.truncate(descriptor, to: byteCount)
    }

    func freeByteCount(at path: String) -> Int64? { faults.withLock { $0.freeByteCount } }
}

/// Waits for one value from another thread; a test that gets none within two minutes fails.
final class Promise<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    func set(_ value: Value) {
        self.value.withLock { $0 = value }
        semaphore.signal()
    }

    /// The value, if it has come.
    var current: Value? { value.withLock { $0 } }

    func get() throws -> Value {
        _ = semaphore.wait(timeout: .now() + 120)
        return try #require(current, "no answer within two minutes")
    }
}

/// One partition of one topic in a log directory, with blocking calls.
final class OpenLog: Sendable {
    static let topic = UUID16(high: 0x0123_4567_89AB_CDEF, low: 2)

    let directory: LogDirectory
    let partition: Partition
    let files: FailingFiles
    private let recorder = LogRecorder(.warning)
    private let scratch: LogScratch  // Kept as long as the log is open.

    init(
        _ scratch: LogScratch,
        _ settings: LogSettings = LogSettings(),
        epoch: Int32 = 1,
        partitions: Int32 = 1,
        keepsRemovedFiles: Bool = false,
        change: (inout LogDirectorySettings) -> Void = { _ in }
    ) throws {
        var directorySettings = LogDirectorySettings()
        directorySettings.flushThreadCount = 4
        change(&directorySettings)
        self.scratch = scratch
        let clock = SharedClock()
        files = FailingFiles()
        directory = try LogDirectory(
            url: scratch.url,
            settings: directorySettings,
            logger: recorder.logger,
            files: files,
            now: { clock.now }
        )
        sharedClock = clock
        var settings = settings
        settings.fileDeletionDelayMilliseconds = keepsRemovedFiles ? 86_400_000 : 0
        let opened = Promise<Result<Void, BrokerError>>()
        directory.open(
            topic: Self.topic,
            partitionCount: partitions,
            leaderEpoch: epoch,
            settings: settings
        ) { opened.set($0) }
        do {
            try opened.get().get()
            partition = try #require(directory.partition(0, of: Self.topic))
        } catch {
            // Without `deinit`, which is for what is whole: threads that nobody ends would trap.
            directory.close()
            throw error
        }
    }

    private let sharedClock: SharedClock

    /// Warnings and errors, a line each.
    var reports: [String] { recorder.lines }

    /// The time that the broker sees, in milliseconds since 1970.
    var now: Int64 {
        get { sharedClock.now }
        set { sharedClock.now = newValue }
    }

    deinit { directory.close() }

    @discardableResult
    func append(
        _ batch: [UInt8],
        acks: Int16 = -1,
        isTransactional: Bool = false,
        produceVersion: Int16 = 11
    ) throws -> Result<AppendedBatch, BrokerError> {
        try start(
            batch,
            acks: acks,
            isTransactional: isTransactional,
            produceVersion: produceVersion
        ).get()
    }

    /// Appends without waiting for the answer.
    func start(
        _ batch: [UInt8],
        acks: Int16 = -1,
        isTransactional: Bool = false,
        produceVersion: Int16 = 11
    ) -> Promise<Result<AppendedBatch, BrokerError>> {
        let promise = Promise<Result<AppendedBatch, BrokerError>>()
        partition.append(
            AppendRequest(
                records: ByteBuffer(bytes: batch),
                acks: acks,
                isTransactional: isTransactional,
                produceVersion: produceVersion
            )
        ) { promise.set($0) }
        return promise
    }

    func offset(of result: Result<AppendedBatch, BrokerError>) throws -> Int64 {
        try result.get().baseOffset
    }

    func read(
        _ offset: Int64,
        maxByteCount: Int = 1 << 20,
        minOneBatch: Bool = true,
        isolation: Isolation = .readUncommitted
    ) throws -> Result<LogRead, ErrorCode> {
        let promise = Promise<Result<LogRead, ErrorCode>>()
        let request = ReadRequest(
            offset: offset,
            maxByteCount: maxByteCount,
            minOneBatch: minOneBatch,
            isolation: isolation
        )
        partition.ask {
            promise.set($0)
        } _: { log throws(BrokerError) in
            try log.read(request)
        }
        return try promise.get()
    }

    /// The batches that a read returns.
    func batches(
        _ offset: Int64,
        maxByteCount: Int = 1 << 20,
        minOneBatch: Bool = true
    ) throws -> [StoredBatch] {
        let read = try read(offset, maxByteCount: maxByteCount, minOneBatch: minOneBatch).get()
        return try StoredBatch.parse(Array(buffer: read.records))
    }

    /// All batches from an offset to the end.
    func allBatches(from offset: Int64 = 0) throws -> [StoredBatch] {
        var all: [StoredBatch] = []
        var next = max(offset, partition.offsets.logStart)
        while next < partition.offsets.highWatermark {
            let some = try batches(next)
            let last = try #require(some.last)
            all += some
            next = last.header.nextOffset
        }
        return all
    }

    /// Whether these are all batches; unlike `==` in an expectation, quick to fail.
    func holds(_ expected: [StoredBatch]) throws -> Bool {
        let all = try allBatches()
        if all == expected { return true }
        let (found, wanted) = (all.map(\.header.baseOffset), expected.map(\.header.baseOffset))
        Issue.record("offsets \(found) instead of \(wanted)")
        return false
    }

    func find(
        _ query: TimestampQuery,
        _ isolation: Isolation = .readUncommitted
    ) throws -> TimestampedOffset? {
        let promise = Promise<Result<TimestampedOffset?, ErrorCode>>()
        partition.ask {
            promise.set($0)
        } _: { log throws(BrokerError) in
            try log.find(query, isolation)
        }
        return try promise.get().get()
    }

    func end(ofEpoch epoch: Int32) throws -> EpochEnd {
        try onLog { $0.end(of: epoch) }
    }

    func deleteRecords(before offset: Int64) throws -> Result<Int64, ErrorCode> {
        let promise = Promise<Result<Int64, ErrorCode>>()
        partition.deleteRecords(before: offset) { promise.set($0) }
        return try promise.get()
    }

    /// Waits for more to read than there is now; the promise gets the number of bytes.
    @discardableResult
    func wait(_ promise: Promise<Int64>, _ isolation: Isolation = .readUncommitted) -> UInt64 {
        let progress = partition.progress
        let seen = progress.appendedByteCount(isolation)
        return progress.wait(isolation, beyond: seen) { promise.set($0) }
    }

    /// Runs something on the log's thread and waits for its result.
    func onLog<Value: Sendable>(_ body: @escaping @Sendable (PartitionLog) -> Value) throws -> Value
    {
        let promise = Promise<Value>()
        #expect(partition.perform { promise.set(body($0)) })
        return try promise.get()
    }

    /// Waits until a condition holds; fails after 30 s.
    func eventually(_ condition: () throws -> Bool) throws {
        let deadline = DispatchTime.now() + 30
        while try !condition() {
            try #require(DispatchTime.now() < deadline, "the condition did not come true")
            _ = try onLog { _ in true }
            sched_yield()
        }
    }
}

/// A time that tests set.
final class SharedClock: Sendable {
    private let time = Mutex<Int64>(1_700_000_000_000)

    var now: Int64 {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// A batch as it lies in the log.
struct StoredBatch: Equatable, CustomTestStringConvertible {
    var header: RecordBatchHeader
    var bytes: [UInt8]

    /// Splits bytes into batches, each of which must be whole and have a valid checksum.
    static func parse(_ bytes: [UInt8]) throws -> [StoredBatch] {
        var batches: [StoredBatch] = []
        var position = 0
        while position < bytes.count {
            let header = try #require(
                bytes.withUnsafeBytes { RecordBatchHeader($0, at: position) }
            )
            try #require(header.isPlausible(available: bytes.count - position))
            let batch = Array(bytes[position..<position + header.totalByteCount])
            #expect(batch[21...].withUnsafeBytes { CRC32C.checksum($0) } == header.checksum)
            batches.append(StoredBatch(header: header, bytes: batch))
            position += batch.count
        }
        return batches
    }

    var testDescription: String { "batch at \(header.baseOffset)" }

    /// What the client sent, but for the offset and the epoch, which the broker sets.
    var payload: [UInt8] { Array(bytes[16...]) }
}
