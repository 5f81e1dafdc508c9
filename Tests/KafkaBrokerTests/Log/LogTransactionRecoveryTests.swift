import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Transactions after crashes, damage and retention.
struct LogTransactionRecoveryTests {
    private static let small = LogSettings(segmentByteCount: 700)

    /// What a log knows of its transactions.
    private struct Knowledge: Equatable, Sendable {
        var offsets: LogOffsets
        var open: [SegmentTransactions.Open]
        var aborted: [[SegmentTransactions.Aborted]]
    }

    private func knowledge(_ log: OpenLog) throws -> Knowledge {
        try log.onLog { log in
            Knowledge(
                offsets: log.offsets,
                open: log.active.index.transactions.open,
                aborted: log.segments.map(\.index.transactions.aborted)
            )
        }
    }

    /// Writes transactions of five producers, interleaved, some of which stay open.
    private func write(_ log: OpenLog, rounds: Int = 60) throws {
        var random = SplitMix64(state: 5)
        var sequences: [Int64: Int32] = [:]
        for _ in 0..<rounds {
            let id = Int64(random.next() % 5)
            _ = try log.begin(id)
            let count = Int(random.next() % 3) + 1
            _ = try log.write(id, sequence: sequences[id, default: 0], count: count).get()
            sequences[id, default: 0] += Int32(count)
            if random.next() % 2 == 0 { try log.append(Sample.batch(2), acks: 1) }
            if random.next() % 2 == 0 {
                #expect(try log.end(id, isCommit: random.next() % 3 == 0) == .none)
            }
        }
    }

    @Test func `transactions are known after a crash, a clean stop and lost indexes`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, Self.small)
        try write(log)
        let known = try knowledge(log)
        #expect(!known.open.isEmpty && known.aborted.count > 5)
        #expect(known.aborted.joined().count > 5)
        let crashed = try LogScratch(copyOf: scratch)
        #expect(log.directory.close())
        let places = try [crashed, LogScratch(copyOf: scratch), scratch]
        for ending in [".idx", ".snap", "checkpoint"] {
            for place in places {
                let copy = try LogScratch(copyOf: place)
                let files = try copy.files(ending)
                for (number, file) in files.enumerated() where number % 3 != 1 {
                    try FileManager.default.removeItem(at: file)
                }
                #expect(try knowledge(OpenLog(copy, Self.small, epoch: 2)) == known)
            }
        }
        for place in places { #expect(try knowledge(OpenLog(place, epoch: 2)) == known) }
    }

    @Test func `every point of a crash leaves the transactions of what is left`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(flushMilliseconds: 86_400_000))
        try write(log, rounds: 15)
        let stored = try log.allBatches()
        let crashed = try LogScratch(copyOf: scratch)
        var kept = 0
        var expected = SegmentTransactions()
        for batch in stored {
            kept += batch.bytes.count
            let isAbort = batch.bytes.withUnsafeBytes { bytes in
                batch.header.isControl
                    && TransactionMarker.isAbort(records: .init(rebasing: bytes[61...]))
            }
            expected.add(batch.header, isAbort: isAbort)
            let copy = try LogScratch(copyOf: crashed)
            let file = try #require(try copy.files(".log").first)
            try Data(contentsOf: file).prefix(kept + 50).write(to: file)
            let reopened = try OpenLog(copy, epoch: 2)
            #expect(try knowledge(reopened).aborted == [expected.aborted])
            #expect(try knowledge(reopened).open == expected.open)
            let stable = expected.open.first?.firstOffset ?? batch.header.nextOffset
            #expect(reopened.partition.offsets.lastStable == stable)
        }
    }

    @Test func `an open transaction is ended after a start, and only once`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        for id: Int64 in [7, 8] { _ = try log.begin(id) }
        _ = try log.write(7, sequence: 0).get()
        let crashed = try OpenLog(LogScratch(copyOf: scratch), epoch: 2)
        #expect(crashed.partition.offsets.lastStable == 0)
        let refused = try crashed.write(7, sequence: 1)
        #expect(throws: BrokerError.self) { try refused.get() }
        #expect(try crashed.begin(7) == .none, "as the coordinator does for an ongoing one")
        _ = try crashed.write(7, sequence: 1).get()
        for id: Int64 in [7, 8, 7] {
            #expect(try crashed.end(id, epoch: 1, isCommit: false, onlyIfOpen: true) == .none)
        }
        #expect(try crashed.allBatches().map(\.header.isControl) == [false, false, true])
        #expect(crashed.partition.offsets.lastStable == 3)
        #expect(try crashed.committed(0).aborted == [.init(7, 0)])
    }

    @Test func `a marker as the last batch counts after a crash`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0).get()
        _ = try log.end(7, epoch: 1, isCommit: false)
        let crashed = try OpenLog(LogScratch(copyOf: scratch), epoch: 2)
        #expect(crashed.partition.offsets.lastStable == 2)
        #expect(try crashed.committed(0).aborted == [.init(7, 0)])
        #expect(try crashed.begin(7) == .invalidProducerEpoch)
        #expect(try crashed.begin(7, epoch: 1) == .none)
        #expect(try crashed.write(7, epoch: 1, sequence: 0).get().baseOffset == 2)
    }

    @Test func `deleting records takes the aborted transactions with it`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, Self.small)
        try write(log)
        let start = log.partition.offsets.lastStable
        let before = try knowledge(log)
        #expect(try log.deleteRecords(before: start).get() == start)
        try log.eventually { try knowledge(log).aborted.count < before.aborted.count }
        let after = try knowledge(log)
        #expect(after.open == before.open)
        #expect(after.aborted == Array(before.aborted.suffix(after.aborted.count)))
        #expect(try log.committed(start).aborted.isEmpty)
        let reopened = try OpenLog(LogScratch(copyOf: scratch), Self.small, epoch: 2)
        #expect(try knowledge(reopened) == after)
    }

    @Test func `the records of an open transaction may be deleted`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0, count: 3).get()
        #expect(try log.deleteRecords(before: -1).get() == 3)
        #expect(log.partition.offsets == .init(logStart: 3, highWatermark: 3, lastStable: 3))
        try log.append(Sample.batch())
        #expect(log.partition.offsets.lastStable == 3)
        let crashed = try OpenLog(LogScratch(copyOf: scratch), epoch: 2)
        #expect(crashed.partition.offsets.lastStable == 3)
        #expect(try crashed.end(7, isCommit: true, onlyIfOpen: true) == .none)
        #expect(crashed.partition.offsets.lastStable == 5)
    }

    @Test func `a producer in a transaction is never forgotten`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 300)) {
            $0.producerExpirationMilliseconds = 1000
        }
        _ = try log.begin(7)
        _ = try log.write(7, sequence: 0).get()
        _ = try log.append(Sample.idempotent(9, sequence: 0)).get()
        log.now += 5000
        for _ in 0..<8 { try log.append(Sample.batch()) }
        #expect(try log.onLog { $0.producers.producers.keys.sorted() } == [7])
        #expect(throws: BrokerError.self) { try log.write(7, sequence: 3).get() }
        _ = try log.end(7, isCommit: true)
        log.now += 5000
        for _ in 0..<8 { try log.append(Sample.batch()) }
        #expect(try log.onLog { $0.producers.producers.isEmpty })
    }
}
