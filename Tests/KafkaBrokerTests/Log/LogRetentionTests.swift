import Dispatch
import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Removing records and topics.
struct LogRetentionTests {
    private func retain(_ log: OpenLog) throws {
        _ = try log.onLog { $0.removeExpiredSegments() }
    }

    @Test func `old segments go and the start moves to the first one left`() throws {
        let scratch = try LogScratch()
        let settings = LogSettings(segmentByteCount: 500, retentionMilliseconds: 1000)
        let log = try OpenLog(scratch, settings)
        for index: Int64 in 0..<20 {
            try log.append(Sample.batch(valueByteCount: 100, timestamps: [log.now + index * 100]))
        }
        let before = try scratch.files(".log").count
        try retain(log)
        #expect(try scratch.files(".log").count == before, "nothing is old yet")
        log.now += 2000
        try retain(log)
        try log.eventually { try scratch.files(".log").count < before }
        let start = log.partition.offsets.logStart
        #expect(start > 5 && start < 20)
        #expect(throws: ErrorCode.offsetOutOfRange) { try log.read(start - 1).get() }
        #expect(try log.allBatches(from: start).first?.header.baseOffset == start)
        log.now += 10_000
        try retain(log)
        try log.eventually { log.partition.offsets.logStart == 20 }
        #expect(log.partition.offsets.highWatermark == 20)
        #expect(try log.append(Sample.batch()).get().baseOffset == 20)
    }

    @Test func `no file goes before the new start is on stable storage`() throws {
        let scratch = try LogScratch()
        let settings = LogSettings(segmentByteCount: 500, retentionMilliseconds: 1000)
        let log = try OpenLog(scratch, settings)
        for index: Int64 in 0..<20 {
            try log.append(Sample.batch(valueByteCount: 100, timestamps: [log.now + index * 100]))
        }
        let before = try scratch.files(".log").count
        log.now += 2000
        // The log's thread hears of the checkpoint on disk only after this.
        let after = try log.onLog { log in
            log.removeExpiredSegments()
            return log.segments.count
        }
        #expect(after >= before)
        try log.eventually { try scratch.files(".log").count < before }
    }

    @Test func `files of removed segments stay as long as the topic says, or until a start`()
        throws
    {
        let scratch = try LogScratch()
        let settings = LogSettings(segmentByteCount: 300)
        let log = try OpenLog(scratch, settings, keepsRemovedFiles: true)
        for _ in 0..<10 { try log.append(Sample.batch()) }
        let before = try scratch.files(".log").count
        #expect(try log.deleteRecords(before: 8).get() == 8)
        try retain(log)
        #expect(try scratch.files(".log").count == before)
        #expect(throws: ErrorCode.offsetOutOfRange) { try log.read(7).get() }
        log.directory.close()
        let reopened = try OpenLog(scratch, settings, epoch: 2, keepsRemovedFiles: true)
        try retain(reopened)
        #expect(try scratch.files(".log").count < before)
        #expect(try reopened.allBatches().map(\.header.baseOffset) == [8, 9])
    }

    @Test func `a log is kept at its size`() throws {
        let scratch = try LogScratch()
        let settings = LogSettings(
            segmentByteCount: 1000,
            retentionMilliseconds: nil,
            retentionByteCount: 3000
        )
        let log = try OpenLog(scratch, settings)
        for seed in 0..<50 { try log.append(Sample.batch(valueByteCount: 200, seed: seed)) }
        try retain(log)
        // Files may go between the listing and the look at them.
        func total() throws -> Int {
            try scratch.files(".log").compactMap { try? Data(contentsOf: $0).count }.reduce(0, +)
        }
        try log.eventually { try total() < 4000 }
        #expect(try total() >= 3000, "no more is removed than the limit demands")
    }

    @Test func `a topic that does not delete keeps everything`() throws {
        let settings = LogSettings(
            segmentByteCount: 500,
            isCompacted: true,
            deletesOldRecords: false,
            retentionMilliseconds: 1
        )
        let log = try OpenLog(LogScratch(), settings)
        for seed in 0..<20 { try log.append(Sample.batch(seed: seed)) }
        log.now += 1 << 40
        try retain(log)
        #expect(log.partition.offsets.logStart == 0)
        #expect(throws: ErrorCode.policyViolation) { try log.deleteRecords(before: 1).get() }
    }

    @Test func `the start that records were deleted before survives a crash`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(segmentByteCount: 500))
        for seed in 0..<20 { try log.append(Sample.batch(valueByteCount: 100, seed: seed)) }
        #expect(try log.deleteRecords(before: 11).get() == 11)
        #expect(try log.deleteRecords(before: 4).get() == 11, "it never moves back")
        for offset: Int64 in [-2, 21] {
            #expect(throws: ErrorCode.offsetOutOfRange) {
                try log.deleteRecords(before: offset).get()
            }
        }
        let crashed = try OpenLog(LogScratch(copyOf: scratch), epoch: 2)
        #expect(crashed.partition.offsets.logStart == 11)
        #expect(crashed.partition.offsets.highWatermark == 20)
        #expect(try log.deleteRecords(before: -1).get() == 20)
        let empty = try OpenLog(LogScratch(copyOf: scratch), epoch: 2)
        #expect(empty.partition.offsets.logStart == 20)
        #expect(try empty.append(Sample.batch()).get().baseOffset == 20)
    }

    @Test func `a segment ends when its time is over`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(segmentMilliseconds: 1000))
        try log.append(Sample.batch())
        log.now += 999
        try log.append(Sample.batch())
        #expect(try scratch.files(".log").count == 1)
        log.now += 1
        try log.append(Sample.batch())
        #expect(try scratch.files(".log").count == 2)
        #expect(try log.allBatches().count == 3)
    }

    @Test func `a segment that nobody writes to ends when its time is over, also after a start`()
        throws
    {
        let scratch = try LogScratch()
        let settings = LogSettings(segmentMilliseconds: 1000, deletesOldRecords: false)
        let log = try OpenLog(scratch, settings)
        try log.append(Sample.batch())
        try retain(log)
        #expect(try log.onLog { $0.segments.count } == 1)
        #expect(log.directory.close())
        let reopened = try OpenLog(scratch, settings, epoch: 2)
        reopened.now += 1000
        try retain(reopened)
        try retain(reopened)
        #expect(try reopened.onLog { $0.segments.map(\.baseOffset) } == [0, 1])
        #expect(try reopened.append(Sample.batch()).get().baseOffset == 1)
    }

    @Test func `the last two snapshots are kept`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(segmentByteCount: 300))
        for sequence: Int32 in 0..<30 {
            _ = try log.append(Sample.idempotent(9, sequence: sequence)).get()
        }
        #expect(try scratch.files(".log").count > 8)
        #expect(try (2...3).contains(scratch.files(".snap").count))
        #expect(log.directory.close())
        #expect(try scratch.files(".snap").count <= 4)
    }

    @Test func `the recovery point follows the closed segments`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(segmentByteCount: 300))
        for seed in 0..<20 { try log.append(Sample.batch(seed: seed)) }
        let active = try log.onLog { $0.active.baseOffset }
        #expect(active > 0)
        try log.eventually {
            guard let file = try scratch.files("checkpoint").first else { return false }
            let bytes = Array(try Data(contentsOf: file))
            return PartitionCheckpoint(bytes)?.recoveryOffset == active
        }
    }

    @Test func `deleting a topic removes its files and wakes who waits for it`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        let gate = DispatchSemaphore(value: 0)
        log.files.set { $0.gate = gate }
        let unsynced = log.start(Sample.batch())
        let woken = Promise<Int64>()
        try log.eventually { log.partition.offsets.highWatermark == 1 }
        log.wait(woken)
        let removed = Promise<Result<Void, BrokerError>>()
        log.directory.remove(OpenLog.topic) { removed.set($0) }
        try removed.get().get()
        #expect(try woken.get() == Int64.max)
        guard case .failure(let failure) = try unsynced.get() else {
            Issue.record("a batch of a deleted topic was acknowledged")
            return
        }
        #expect(failure.errorCode == .unknownTopicOrPartition)
        #expect(throws: ErrorCode.unknownTopicOrPartition) { try log.read(0).get() }
        #expect(log.directory.partition(0, of: OpenLog.topic) == nil)
        log.files.set { $0.gate = nil }
        gate.signal()
        let path = scratch.url.appendingPathComponent("t").path
        try log.eventually { try FileManager.default.contentsOfDirectory(atPath: path).isEmpty }
    }

    @Test func `a topic gets more partitions and keeps the first ones`() throws {
        let log = try OpenLog(LogScratch(), partitions: 2)
        try log.append(Sample.batch())
        let opened = Promise<Result<Void, BrokerError>>()
        log.directory.open(
            topic: OpenLog.topic,
            partitionCount: 5,
            leaderEpoch: 1,
            settings: LogSettings()
        ) { opened.set($0) }
        try opened.get().get()
        let partitions = log.directory.partitions(of: OpenLog.topic)
        #expect(partitions.map(\.id.index) == [0, 1, 2, 3, 4])
        #expect(partitions[0] === log.partition)
    }

    @Test func `a closing broker refuses batches and wakes who waits`() throws {
        let log = try OpenLog(LogScratch())
        let woken = Promise<Int64>()
        log.wait(woken)
        #expect(log.directory.close())
        #expect(try woken.get() == Int64.max)
        guard case .failure(let failure) = try log.append(Sample.batch()) else {
            Issue.record("a closed log accepted a batch")
            return
        }
        #expect(failure.errorCode == .kafkaStorageError)
    }
}
