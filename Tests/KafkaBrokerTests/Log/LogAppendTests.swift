import KafkaWire
import NIOCore
import Testing

@testable import KafkaBroker

/// Appending and reading, and what is refused.
struct LogAppendTests {
    @Test func `what is appended is read at its offset`() throws {
        let log = try OpenLog(LogScratch())
        let sent = (0..<20).map { Sample.batch($0 % 4 + 1, seed: $0) }
        var offset: Int64 = 0
        for batch in sent {
            let appended = try log.append(batch).get()
            #expect(appended.baseOffset == offset)
            #expect(appended.appendTimestamp == -1 && appended.logStartOffset == 0)
            offset = log.partition.offsets.highWatermark
        }
        let stored = try log.allBatches()
        #expect(stored.map(\.payload) == sent.map { Array($0[16...]) })
        #expect(stored.allSatisfy { $0.header.leaderEpoch == 1 })
        #expect(stored.last?.header.nextOffset == offset && offset == 50)
    }

    @Test func `a read in the middle of a batch returns the whole batch`() throws {
        let log = try OpenLog(LogScratch())
        for seed in 0..<5 { try log.append(Sample.batch(10, seed: seed)) }
        #expect(try log.batches(13).first?.header.baseOffset == 10)
        #expect(try log.batches(49).map(\.header.baseOffset) == [40])
        #expect(try log.batches(50).isEmpty)
    }

    @Test func `an offset outside the log is an error`() throws {
        let log = try OpenLog(LogScratch())
        #expect(try log.read(0).get().records.readableBytes == 0)
        try log.append(Sample.batch(3))
        #expect(try log.read(3).get().records.readableBytes == 0)
        for offset: Int64 in [-1, 4, Int64.max, Int64.min] {
            #expect(throws: ErrorCode.offsetOutOfRange) { try log.read(offset).get() }
        }
    }

    @Test func `a read never cuts a batch and honours its limit`() throws {
        let log = try OpenLog(LogScratch())
        let batch = Sample.batch(10, valueByteCount: 100)
        for _ in 0..<10 { try log.append(batch) }
        let size = batch.count
        #expect(try log.batches(0, maxByteCount: size * 3 + 1).count == 3)
        #expect(try log.batches(0, maxByteCount: size * 3).count == 3)
        #expect(try log.batches(0, maxByteCount: size * 3 - 1).count == 2)
        #expect(try log.batches(25, maxByteCount: 1).map(\.header.baseOffset) == [20])
        #expect(try log.batches(25, maxByteCount: 0).count == 1)
        for limit in [0, 1, 60, 61, 62, size - 1] {
            #expect(try log.batches(25, maxByteCount: limit, minOneBatch: false).isEmpty)
        }
        #expect(try log.batches(25, maxByteCount: size, minOneBatch: false).count == 1)
    }

    @Test func `reads go on across segments`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(segmentByteCount: 2000))
        for seed in 0..<50 { try log.append(Sample.batch(2, valueByteCount: 100, seed: seed)) }
        #expect(try scratch.files(".log").count > 5)
        #expect(try log.allBatches().count == 50)
        #expect(try log.batches(0, maxByteCount: 1 << 20).count == 50)
        for offset: Int64 in 0..<100 {
            #expect(
                try log.batches(offset, maxByteCount: 1).first?.header.baseOffset == offset & ~1
            )
        }
    }

    @Test func `batches far apart are found through the index`() throws {
        let log = try OpenLog(LogScratch())
        for seed in 0..<300 { try log.append(Sample.batch(1, valueByteCount: 3000, seed: seed)) }
        #expect(try log.onLog { $0.active.index.entries.count } > 5)
        for offset: Int64 in stride(from: 299, through: 0, by: -7) {
            let found = try log.batches(offset, maxByteCount: 1)
            #expect(found.map(\.header.baseOffset) == [offset])
        }
    }

    @Test func `the broker's time replaces the producer's where the topic says so`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(usesAppendTime: true))
        log.now = 1_800_000_000_000
        #expect(try log.append(Sample.batch(3)).get().appendTimestamp == 1_800_000_000_000)
        let stored = try log.batches(0)  // Checks the new checksum.
        #expect(stored[0].header.usesAppendTime)
        #expect(stored[0].header.maxTimestamp == 1_800_000_000_000)
        #expect(
            try log.find(.atOrAfter(5))
                == TimestampedOffset(offset: 0, timestamp: 1_800_000_000_000, leaderEpoch: 1)
        )
    }

    @Test func `a waiting reader is told how much is appended, and not after it gave up`() throws {
        let log = try OpenLog(LogScratch())
        let (first, second) = (Promise<Int64>(), Promise<Int64>())
        log.wait(first)
        log.partition.progress.cancelWait(log.wait(second))
        let batch = Sample.batch()
        try log.append(batch)
        #expect(try first.get() == Int64(batch.count))
        #expect(second.current == nil)
        try log.append(batch)
        let third = Promise<Int64>()
        _ = log.partition.progress.wait(.readUncommitted, beyond: 0) { third.set($0) }
        #expect(third.current == Int64(batch.count * 2), "also before the wait began")
    }

    @Test func `a client with another leader epoch is told so`() throws {
        let log = try OpenLog(LogScratch(), epoch: 5)
        let answers = try log.onLog { log in
            [-1, 4, 5, 6].map { log.check(currentLeaderEpoch: $0) }
        }
        #expect(answers == [nil, .fencedLeaderEpoch, nil, .unknownLeaderEpoch])
    }
}

/// Every rule that a batch can break, and the code for it.
struct LogRejectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var batch: [UInt8]
        var code: ErrorCode
        var settings = LogSettings()
        var produceVersion: Int16 = 11
        var testDescription: String { name }
    }

    private static let good = Sample.batch(3)

    private static func changed(_ change: (inout RecordBatchHeader) -> Void) -> [UInt8] {
        Sample.changing(good, change)
    }

    static let cases: [Case] = [
        Case(name: "nothing", batch: [], code: .invalidRecord),
        Case(name: "half a header", batch: Array(good.prefix(60)), code: .corruptMessage),
        Case(name: "cut off", batch: Array(good.dropLast()), code: .corruptMessage),
        Case(name: "two batches", batch: good + good, code: .invalidRecord),
        Case(name: "one byte more", batch: good + [0], code: .invalidRecord),
        Case(name: "magic 1", batch: changed { $0.magic = 1 }, code: .invalidRecord),
        Case(name: "magic 0", batch: changed { $0.magic = 0 }, code: .invalidRecord),
        Case(name: "length 48", batch: changed { $0.batchLength = 48 }, code: .corruptMessage),
        Case(name: "length -1", batch: changed { $0.batchLength = -1 }, code: .corruptMessage),
        Case(name: "base offset", batch: changed { $0.baseOffset = 5 }, code: .invalidRecord),
        Case(
            name: "too large",
            batch: good,
            code: .messageTooLarge,
            settings: LogSettings(maximumBatchByteCount: Int64(good.count - 1))
        ),
        Case(
            name: "flipped bit",
            batch: good.dropLast() + [(good.last ?? 0) ^ 1],
            code: .corruptMessage
        ),
        Case(name: "record count", batch: changed { $0.recordCount = 2 }, code: .invalidRecord),
        Case(
            name: "no records",
            batch: changed {
                $0.recordCount = 0
                $0.lastOffsetDelta = -1
            },
            code: .invalidRecord
        ),
        Case(
            name: "one record more than there is",
            batch: changed {
                $0.recordCount = 4
                $0.lastOffsetDelta = 3
            },
            code: .invalidRecord
        ),
        Case(
            name: "one record fewer than there is",
            batch: changed {
                $0.recordCount = 2
                $0.lastOffsetDelta = 1
            },
            code: .invalidRecord
        ),
        Case(
            name: "an endless count",
            batch: changed {
                $0.recordCount = Int32.max
                $0.lastOffsetDelta = Int32.max - 1
            },
            code: .invalidRecord
        ),
        Case(name: "control", batch: changed { $0.attributes = 0x20 }, code: .invalidRecord),
        Case(
            name: "transactional",
            batch: changed { $0.attributes = 0x10 },
            code: .transactionalIDAuthorizationFailed
        ),
        Case(name: "no sequence", batch: changed { $0.producerID = 1 }, code: .invalidRecord),
        Case(name: "append time", batch: changed { $0.attributes = 8 }, code: .invalidTimestamp),
        Case(
            name: "codec 5",
            batch: changed { $0.attributes = 5 },
            code: .unsupportedCompressionType
        ),
        Case(
            name: "zstd before Produce 7",
            batch: Sample.batch(3, compression: .zstd),
            code: .unsupportedCompressionType,
            produceVersion: 6
        ),
        Case(
            name: "larger than a segment",
            batch: good,
            code: .recordListTooLarge,
            settings: LogSettings(segmentByteCount: Int64(good.count - 1))
        ),
        Case(name: "not gzip", batch: changed { $0.attributes = 1 }, code: .invalidRecord),
        Case(name: "not snappy", batch: changed { $0.attributes = 2 }, code: .invalidRecord),
        Case(name: "not lz4", batch: changed { $0.attributes = 3 }, code: .invalidRecord),
        Case(name: "not zstd", batch: changed { $0.attributes = 4 }, code: .invalidRecord),
    ]

    @Test(arguments: cases)
    func `a batch that breaks a rule is refused with the rule's code`(_ example: Case) throws {
        let log = try OpenLog(LogScratch(), example.settings)
        let result = try log.append(example.batch, produceVersion: example.produceVersion)
        #expect(throws: AppendFailure.self) { try result.get() }
        if case .failure(let failure) = result { #expect(failure.errorCode == example.code) }
        #expect(log.partition.offsets.highWatermark == 0)
        let allowed = LogSettings()
        _ = try log.onLog { $0.settings = allowed }
        #expect(try log.append(Self.good).get().baseOffset == 0, "nothing was left behind")
    }

    @Test func `records without a key are named when a compacted topic refuses them`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(isCompacted: true))
        #expect(try log.append(Sample.batch(3)).get().baseOffset == 0)
        guard case .failure(let failure) = try log.append(Sample.batch(3, key: nil)) else {
            Issue.record("records without a key were accepted")
            return
        }
        #expect(failure.errorCode == .invalidRecord)
        #expect(failure.recordErrors.map(\.index) == [0, 1, 2])
    }

    @Test func `records whose time is out of range are named`() throws {
        let settings = LogSettings(maximumTimestampAge: 1000, maximumTimestampLead: 500)
        let log = try OpenLog(LogScratch(), settings)
        let now = log.now
        let times = [now, now - 1001, now + 500, now + 501, now - 1000, Int64.min, Int64.max]
        guard case .failure(let failure) = try log.append(Sample.batch(timestamps: times)) else {
            Issue.record("records out of range were accepted")
            return
        }
        #expect(failure.errorCode == .invalidTimestamp)
        #expect(failure.recordErrors.map(\.index) == [1, 3, 5, 6])
    }

    @Test func `null instead of a batch is refused`() throws {
        let log = try OpenLog(LogScratch())
        let promise = Promise<Result<AppendedBatch, AppendFailure>>()
        log.partition.append(AppendRequest(records: nil)) { promise.set($0) }
        guard case .failure(let failure) = try promise.get() else {
            Issue.record("null was accepted")
            return
        }
        #expect(failure.errorCode == .invalidRecord)
    }

    @Test func `bytes of any kind are refused or stored, and never more`() throws {
        let log = try OpenLog(LogScratch())
        var random = SplitMix64(state: 11)
        let samples = RecordBatchHeader.Compression.allCases.map {
            Sample.batch(20, valueByteCount: 30, compression: $0)
        }
        for round in 0..<3000 {
            var batch = samples[round % samples.count]
            for _ in 0..<(1 + random.next() % 3) {
                // Beyond the checksum, which is made right again.
                batch[21 + Int(random.next() % UInt64(batch.count - 21))] = UInt8(
                    truncatingIfNeeded: random.next()
                )
            }
            try log.append(Sample.changing(batch) { $0.baseOffset = 0 }, acks: 1)
        }
        #expect(try log.allBatches().count <= 3000)
    }
}

/// Random numbers that a seed reproduces (Steele, Lea, Flood: SplitMix64).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
