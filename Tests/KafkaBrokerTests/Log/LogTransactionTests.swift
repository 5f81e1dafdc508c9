import Foundation
import KafkaWire
import NIOCore
import Testing

@testable import KafkaBroker

/// A partition's part in transactions.
struct LogTransactionTests {
    private func code(_ result: Result<AppendedBatch, AppendFailure>) -> ErrorCode? {
        if case .failure(let failure) = result { failure.errorCode } else { nil }
    }

    @Test func `a transaction's records can be read as committed after its marker`() throws {
        let log = try OpenLog(LogScratch())
        try log.append(Sample.batch(2))
        #expect(try log.begin(7) == .none)
        #expect(try log.write(7, sequence: 0, count: 3).get().baseOffset == 2)
        try log.append(Sample.batch(4))
        #expect(log.partition.offsets == .init(logStart: 0, highWatermark: 9, lastStable: 2))
        #expect(try log.committed(0).offsets == [0])
        #expect(try log.batches(0).count == 3)
        #expect(try log.end(7, isCommit: true) == .none)
        #expect(log.partition.offsets == .init(logStart: 0, highWatermark: 10, lastStable: 10))
        let (offsets, aborted) = try log.committed(0)
        #expect(offsets == [0, 2, 5, 9] && aborted.isEmpty)
        #expect(try log.read(0).get().abortedTransactions == nil, "none but for such readers")
    }

    @Test func `a marker has the bytes that Kafka's format says`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(usesAppendTime: true), epoch: 3)
        log.now = 0x0102_0304_0506
        _ = try log.begin(0x11, epoch: 5)
        let commit = TransactionMarker(
            producerID: 0x11,
            producerEpoch: 5,
            isCommit: true,
            coordinatorEpoch: 0x0A0B_0C0D
        )
        #expect(try log.end(commit) == .none)
        let bytes = try #require(try log.batches(0).first).bytes
        let expected: [UInt8] =
            [0, 0, 0, 0, 0, 0, 0, 0]  // Base offset.
            + [0, 0, 0, 66]  // Length.
            + [0, 0, 0, 3, 2]  // Leader epoch, magic.
            + Array(bytes[17..<21])  // Checksum, which the parser has compared.
            + [0, 0x30, 0, 0, 0, 0]  // Attributes, last offset delta.
            + [0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 1, 2, 3, 4, 5, 6]  // Times.
            + [0, 0, 0, 0, 0, 0, 0, 0x11, 0, 5, 255, 255, 255, 255]  // Producer, no sequence.
            + [0, 0, 0, 1]  // One record: length, attributes, time, offset,
            + [32, 0, 0, 0, 8, 0, 0, 0, 1, 12, 0, 0, 0x0A, 0x0B, 0x0C, 0x0D, 0]  // key, value.
        #expect(bytes == expected)
        #expect(try log.end(0x11, epoch: 5, isCommit: false) == .none)
        let abort = try log.batches(1).first?.bytes ?? []
        #expect(Array(abort[66..<70]) == [0, 0, 0, 0])
    }

    @Test func `a partition that was added and not written gets its marker too`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.begin(7, epoch: 2)
        #expect(try log.end(7, epoch: 2, isCommit: false) == .none)
        #expect(try log.allBatches().map(\.header.isControl) == [true])
        #expect(try log.committed(0).aborted.isEmpty, "there was nothing to abort")
        #expect(code(try log.write(7, epoch: 1, sequence: 0)) == .invalidProducerEpoch)
    }

    @Test func `only who was let in writes transactionally, and nothing else meanwhile`() throws {
        let log = try OpenLog(LogScratch())
        #expect(code(try log.write(7, sequence: 0)) == .invalidTransactionState)
        _ = try log.begin(7, epoch: 3)
        #expect(code(try log.write(7, epoch: 2, sequence: 0)) == .invalidProducerEpoch)
        #expect(code(try log.write(7, epoch: 4, sequence: 0)) == .invalidProducerEpoch)
        let outside = Sample.idempotent(7, epoch: 3, sequence: 0)
        #expect(code(try log.append(outside)) == .invalidTransactionState)
        _ = try log.write(7, epoch: 3, sequence: 0).get()
        let next = Sample.idempotent(7, epoch: 3, sequence: 1)
        #expect(code(try log.append(next)) == .invalidTransactionState)
        let unnamed = Sample.idempotent(7, epoch: 3, sequence: 1, isTransactional: true)
        #expect(code(try log.append(unnamed)) == .transactionalIDAuthorizationFailed)
        #expect(try log.append(Sample.idempotent(8, sequence: 0)).get().baseOffset == 1)
        _ = try log.end(7, epoch: 3, isCommit: true)
        #expect(code(try log.write(7, epoch: 3, sequence: 1)) == .invalidTransactionState)
        #expect(try log.write(7, epoch: 3, sequence: 0).get().baseOffset == 0, "a late retry")
        #expect(try log.append(next).get().baseOffset == 3)
    }

    @Test func `sequence numbers run on until a marker raises the epoch`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0, count: 5).get()
        _ = try log.end(7, isCommit: true)
        _ = try log.begin(7)
        #expect(code(try log.write(7, sequence: 0)) == .outOfOrderSequenceNumber)
        _ = try log.write(7, sequence: 5).get()
        _ = try log.end(7, epoch: 1, isCommit: false)
        #expect(try log.begin(7) == .invalidProducerEpoch)
        #expect(try log.begin(7, epoch: 1) == .none)
        #expect(code(try log.write(7, epoch: 0, sequence: 6)) == .invalidProducerEpoch)
        #expect(code(try log.write(7, epoch: 1, sequence: 6)) == .outOfOrderSequenceNumber)
        #expect(try log.write(7, epoch: 1, sequence: 0).get().baseOffset == 8)
        #expect(try log.end(7, epoch: 0, isCommit: true) == .invalidProducerEpoch)
    }

    @Test func `aborted transactions are listed for each range that they touch`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 250))
        for id: Int64 in [1, 2, 3] { _ = try log.begin(id) }
        // 0: p1, 1: p2, 2: p1, 3: p3, 4: abort p2, 5: p3, 6: abort p1, 7: plain, 8: commit p3
        for (id, sequence) in [(1, 0), (2, 0), (1, 1), (3, 0)] as [(Int64, Int32)] {
            _ = try log.write(id, sequence: sequence).get()
        }
        #expect(try log.end(2, isCommit: false) == .none)
        _ = try log.write(3, sequence: 1).get()
        #expect(try log.end(1, isCommit: false) == .none)
        try log.append(Sample.batch())
        #expect(log.partition.offsets.lastStable == 3)
        #expect(try log.committed(0).aborted == [.init(1, 0), .init(2, 1)])
        #expect(try log.end(3, isCommit: true) == .none)
        #expect(try log.onLog { $0.segments.count } > 2)
        for (offset, expected) in [
            (0, [.init(1, 0), .init(2, 1)]), (2, [.init(1, 0), .init(2, 1)]),
            (4, [.init(1, 0), .init(2, 1)]), (5, [.init(1, 0)]), (6, [.init(1, 0)]), (7, []),
        ] as [(Int64, [FetchResponse.AbortedTransaction])] {
            #expect(try log.committed(offset).aborted == expected, "from \(offset)")
        }
        // A range of one batch: transaction 2 begins after it.
        #expect(try log.committed(0, maxByteCount: 1).aborted == [.init(1, 0)])
    }

    @Test func `times are found below the open transactions only`() throws {
        let log = try OpenLog(LogScratch())
        try log.append(Sample.batch(timestamps: [100]))
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0).get()
        try log.append(Sample.batch(timestamps: [Int64.max]))
        let promise = Promise<Result<TimestampedOffset?, ErrorCode>>()
        log.partition.find(.greatest, isolation: .readCommitted) { promise.set($0) }
        #expect(try promise.get().get()?.offset == 0)
        #expect(try log.find(.greatest)?.offset == 2)
    }

    @Test func `a reader of committed records is called by a marker, not by what is open`() throws {
        let log = try OpenLog(LogScratch())
        let (woken, other) = (Promise<Int64>(), Promise<Int64>())
        log.wait(woken, .readCommitted)
        log.wait(other)
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0).get()
        try log.append(Sample.batch())
        #expect(woken.current == nil)
        #expect(try other.get() > 0)
        _ = try log.end(7, isCommit: true)
        #expect(try woken.get() > Int64(Sample.batch().count))
    }

    @Test func `a marker is answered when it is on stable storage`() throws {
        let log = try OpenLog(LogScratch())
        log.files.set { $0.failsSync = true }
        #expect(try log.end(7, isCommit: true) == .kafkaStorageError)
        #expect(try log.end(7, isCommit: true) == .kafkaStorageError)
    }

    @Test func `a marker that could not be written may be written later`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0).get()
        log.files.set { $0.writtenByteCount = 70 }
        #expect(try log.end(7, isCommit: true) == .kafkaStorageError)
        #expect(code(try log.write(7, sequence: 1)) == .invalidTransactionState)
        log.files.set { $0.writtenByteCount = .max }
        #expect(try log.end(7, isCommit: true) == .none)
        #expect(try log.committed(0).offsets == [0, 1])
    }

    @Test func `a deleted partition has no transactions`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.begin(7)
        let removed = Promise<Result<Void, BrokerError>>()
        log.directory.remove(OpenLog.topic) { removed.set($0) }
        try removed.get().get()
        #expect(try log.begin(7) == .unknownTopicOrPartition)
        #expect(try log.end(7, isCommit: true) == .unknownTopicOrPartition)
    }

    @Test func `producers are described with their open transactions`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.begin(7, epoch: 2)
        _ = try log.append(Sample.idempotent(9, sequence: 0, count: 4)).get()
        _ = try log.write(7, epoch: 2, sequence: 5).get()
        _ = try log.end(5, epoch: 1, isCommit: true)
        let promise = Promise<Result<[ActiveProducer], ErrorCode>>()
        log.partition.describeProducers { promise.set($0) }
        #expect(
            try promise.get().get() == [
                .init(5, 1, lastSequence: -1, lastTimestamp: -1, nil),
                .init(7, 2, lastSequence: 5, lastTimestamp: 1_700_000_000_000, 4),
                .init(9, 0, lastSequence: 3, lastTimestamp: 1_700_000_000_003, nil),
            ]
        )
    }
}

extension FetchResponse.AbortedTransaction {
    init(_ producerID: Int64, _ firstOffset: Int64) {
        self.init(producerID: producerID, firstOffset: firstOffset)
    }
}

extension ActiveProducer {
    init(
        _ id: Int64,
        _ epoch: Int16,
        lastSequence: Int32,
        lastTimestamp: Int64,
        _ start: Int64?
    ) {
        self.init(
            producerID: id,
            producerEpoch: epoch,
            lastSequence: lastSequence,
            lastTimestamp: lastTimestamp,
            transactionStart: start
        )
    }
}

/// Transactions, with blocking calls.
extension OpenLog {
    func begin(_ producer: Int64, epoch: Int16 = 0) throws -> ErrorCode {
        let promise = Promise<ErrorCode>()
        partition.beginTransaction(producerID: producer, epoch: epoch) { promise.set($0) }
        return try promise.get()
    }

    /// Writes a transactional batch.
    func write(
        _ producer: Int64,
        epoch: Int16 = 0,
        sequence: Int32,
        count: Int = 1
    ) throws -> Result<AppendedBatch, AppendFailure> {
        try append(
            Sample.idempotent(
                producer,
                epoch: epoch,
                sequence: sequence,
                count: count,
                isTransactional: true
            ),
            isTransactional: true
        )
    }

    func end(_ marker: TransactionMarker, onlyIfOpen: Bool = false) throws -> ErrorCode {
        let promise = Promise<ErrorCode>()
        partition.endTransaction(marker, onlyIfOpen: onlyIfOpen) { promise.set($0) }
        return try promise.get()
    }

    func end(
        _ producer: Int64,
        epoch: Int16 = 0,
        isCommit: Bool,
        onlyIfOpen: Bool = false
    ) throws -> ErrorCode {
        let marker = TransactionMarker(
            producerID: producer,
            producerEpoch: epoch,
            isCommit: isCommit,
            coordinatorEpoch: 1
        )
        return try end(marker, onlyIfOpen: onlyIfOpen)
    }

    /// What a reader of committed records gets: the first offsets of batches, and what to skip.
    func committed(
        _ offset: Int64,
        maxByteCount: Int = 1 << 20
    ) throws -> (offsets: [Int64], aborted: [FetchResponse.AbortedTransaction]) {
        let found = try read(
            offset,
            maxByteCount: maxByteCount,
            isolation: .readCommitted
        ).get()
        let batches = try StoredBatch.parse(Array(buffer: found.records))
        return (batches.map(\.header.baseOffset), try #require(found.abortedTransactions))
    }
}
