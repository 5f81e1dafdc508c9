import Dispatch
import Foundation
import KafkaWire
import NIOCore
import Synchronization
import Testing

@testable import KafkaBroker

/// Disks that fail, fill up, and are slow.
struct LogFaultTests {
    private func code(_ result: Result<AppendedBatch, BrokerError>) -> ErrorCode? {
        if case .failure(let failure) = result { failure.errorCode } else { nil }
    }

    @Test func `a failed sync closes the partition for writing and hides what it lost`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, partitions: 2)
        try log.append(Sample.batch(3))
        log.files.set { $0.failsSync = true }
        #expect(code(try log.append(Sample.batch(2))) == .kafkaStorageError)
        log.files.set { $0.failsSync = false }
        #expect(code(try log.append(Sample.batch(2))) == .kafkaStorageError, "never retried")
        #expect(code(try log.append(Sample.batch(2), acks: 1)) == .kafkaStorageError)
        #expect(log.partition.offsets.highWatermark == 3)
        #expect(try log.allBatches().count == 1)
        #expect(log.partition.failure?.errorCode == .kafkaStorageError)
        let other = try #require(log.directory.partition(1, of: OpenLog.topic))
        let promise = Promise<Result<AppendedBatch, BrokerError>>()
        other.append(AppendRequest(records: ByteBuffer(bytes: Sample.batch()))) {
            promise.set($0)
        }
        #expect(try promise.get().get().baseOffset == 0, "other partitions go on")
        #expect(log.directory.close() == false)
        let reopened = try OpenLog(scratch, epoch: 2)
        let end = reopened.partition.offsets.highWatermark
        #expect(end >= 3)
        #expect(try reopened.append(Sample.batch()).get().baseOffset == end)
    }

    @Test func `a new segment's name is synced with its first batch, and once`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 300))
        for _ in 0..<6 { _ = try log.append(Sample.batch()).get() }
        let segmentCount = try log.onLog { $0.segments.count }
        #expect(segmentCount > 1)
        #expect(log.files.directorySyncCount == segmentCount)
        let other = try OpenLog(LogScratch())
        other.files.set { $0.failsDirectorySync = true }
        #expect(code(try other.append(Sample.batch())) == .kafkaStorageError)
        other.files.set { $0.failsDirectorySync = false }
        #expect(code(try other.append(Sample.batch())) == .kafkaStorageError, "never retried")
        #expect(other.partition.offsets.highWatermark == 0)
    }

    @Test func `everybody who waited for a failed sync is told`() throws {
        let log = try OpenLog(LogScratch())
        let gate = DispatchSemaphore(value: 0)
        log.files.set {
            $0.gate = gate
            $0.failsSync = true
        }
        let waiting = (0..<10).map { log.start(Sample.batch(seed: $0)) }
        try log.eventually { log.partition.offsets.highWatermark == 10 }
        log.files.set { $0.gate = nil }
        gate.signal()
        for promise in waiting { #expect(code(try promise.get()) == .kafkaStorageError) }
        #expect(log.partition.offsets.highWatermark == 0)
    }

    @Test(arguments: [0, 1, 60, 61, 62, 80])
    func `a short write is undone and the next one works`(_ byteCount: Int) throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        try log.append(Sample.batch(2))
        let file = try #require(try scratch.files(".log").first)
        let before = try Data(contentsOf: file)
        log.files.set { $0.writtenByteCount = byteCount }
        #expect(code(try log.append(Sample.batch(2))) == .kafkaStorageError)
        #expect(try Data(contentsOf: file) == before)
        log.files.set {
            $0.writtenByteCount = .max
            $0.writeError = byteCount % 2 == 0 ? ENOSPC : EIO
        }
        #expect(code(try log.append(Sample.batch(2))) == .kafkaStorageError)
        #expect(try log.allBatches().count == 1, "reads go on")
        log.files.set { $0.writeError = 0 }
        #expect(try log.append(Sample.batch(2)).get().baseOffset == 2)
    }

    @Test func `a producer's batch that failed to be written may be sent again`() throws {
        let log = try OpenLog(LogScratch())
        log.files.set { $0.writeError = ENOSPC }
        #expect(code(try log.append(Sample.idempotent(9, sequence: 0))) == .kafkaStorageError)
        log.files.set { $0.writeError = 0 }
        #expect(try log.append(Sample.idempotent(9, sequence: 0)).get().baseOffset == 0)
        #expect(try log.append(Sample.idempotent(9, sequence: 1)).get().baseOffset == 1)
    }

    @Test func `nothing follows a write that could not be undone`() throws {
        let log = try OpenLog(LogScratch())
        try log.append(Sample.batch(2))
        log.files.set {
            $0.writtenByteCount = 70
            $0.failsTruncate = true
        }
        #expect(code(try log.append(Sample.batch(2))) == .kafkaStorageError)
        log.files.set {
            $0.writtenByteCount = .max
            $0.failsTruncate = false
        }
        #expect(code(try log.append(Sample.batch(2))) == .kafkaStorageError)
        #expect(try log.allBatches().count == 1)
    }

    @Test func `batches are refused while the disk is nearly full`() throws {
        let log = try OpenLog(LogScratch()) { $0.freeSpaceCheckMilliseconds = 1 }
        try log.append(Sample.batch())
        log.files.set { $0.freeByteCount = 1 << 20 }
        try log.eventually { code(try log.append(Sample.batch())) == .kafkaStorageError }
        log.files.set { $0.freeByteCount = 1 << 40 }
        try log.eventually { code(try log.append(Sample.batch())) == nil }
    }

    @Test func `what is written between two looks at the free space counts`() throws {
        let log = try OpenLog(LogScratch()) {
            $0.freeSpaceCheckMilliseconds = 86_400_000
            $0.minimumFreeByteCount = (1 << 40) - 1000  // The disk has 1 << 40 bytes.
        }
        let batch = Sample.batch(valueByteCount: 300)
        let accepted = try (0..<9).filter { _ in try code(log.append(batch)) == nil }.count
        #expect(accepted == 1000 / batch.count)
        _ = try log.begin(7)
        #expect(try log.end(7, isCommit: false) == .none, "transactions can still be ended")
    }

    @Test func `a log that could not be written at all is sound after a clean stop`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        log.files.set { $0.writeError = ENOSPC }
        #expect(code(try log.append(Sample.batch())) == .kafkaStorageError)
        log.directory.close()
        #expect(try scratch.files("checkpoint").count == 1)
        let reopened = try OpenLog(scratch, epoch: 2)
        #expect(try reopened.append(Sample.batch()).get().baseOffset == 0)
    }

    @Test func `a batch is answered after its sync and not before`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(flushMilliseconds: 86_400_000))
        let gate = DispatchSemaphore(value: 0)
        log.files.set { $0.gate = gate }
        let durable = log.start(Sample.batch())
        let written = log.start(Sample.batch(), acks: 1)
        #expect(try written.get().get().baseOffset == 1)
        #expect(durable.current == nil)
        // Those that come while a sync is under way share the next one.
        let others = (0..<50).map { log.start(Sample.batch(seed: $0)) }
        try log.eventually { log.partition.offsets.highWatermark == 52 }
        log.files.set { $0.gate = nil }
        gate.signal()
        for promise in [durable] + others { _ = try promise.get().get() }
        #expect(log.files.syncCount <= 3)
    }

    @Test func `batches that nobody waits for are synced in time`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(flushMilliseconds: 5))
        for round in 1...3 {
            let before = log.files.syncCount
            try log.append(Sample.batch(seed: round), acks: 1)
            try log.eventually { log.files.syncCount > before }
        }
    }

    @Test func `so many unsynced records are synced at once`() throws {
        let settings = LogSettings(flushMilliseconds: 86_400_000, flushRecordCount: 10)
        let log = try OpenLog(LogScratch(), settings)
        try log.append(Sample.batch(9), acks: 1)
        #expect(log.files.syncCount == 0)
        try log.append(Sample.batch(1), acks: 1)
        try log.eventually { log.files.syncCount == 1 }
    }

    @Test func `many partitions are synced at the same time`() throws {
        let log = try OpenLog(LogScratch(), partitions: 20) { $0.flushThreadCount = 8 }
        let gate = DispatchSemaphore(value: 0)
        log.files.set { $0.gate = gate }
        let promises = log.directory.partitions(of: OpenLog.topic).map { partition in
            let promise = Promise<Result<AppendedBatch, BrokerError>>()
            partition.append(AppendRequest(records: ByteBuffer(bytes: Sample.batch()))) {
                promise.set($0)
            }
            return promise
        }
        try log.eventually { log.files.syncCount == 8 }
        #expect(promises.allSatisfy { $0.current == nil })
        log.files.set { $0.gate = nil }
        gate.signal()
        for promise in promises { #expect(try promise.get().get().baseOffset == 0) }
    }

    @Test func `many writers lose nothing and get each offset once`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 4000))
        let promises = (0..<400).map { seed in
            log.start(Sample.batch(2, seed: seed), acks: seed % 2 == 0 ? -1 : 1)
        }
        let offsets = try promises.map { try $0.get().get().baseOffset }
        #expect(offsets.sorted() == (0..<400).map { Int64($0) * 2 })
        let stored = try log.allBatches()
        for (seed, offset) in offsets.enumerated() {
            let sent = Array(Sample.batch(2, seed: seed)[16...])
            #expect(stored[Int(offset) / 2].payload == sent)
        }
    }
}
