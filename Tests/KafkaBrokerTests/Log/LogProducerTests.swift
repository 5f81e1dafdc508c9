import Dispatch
import KafkaWire
import Testing

@testable import KafkaBroker

/// Idempotent producers: what is sent twice is stored once, what is out of order is refused.
struct LogProducerTests {
    private func code(_ result: Result<AppendedBatch, BrokerError>) -> ErrorCode? {
        if case .failure(let failure) = result { failure.errorCode } else { nil }
    }

    @Test func `a batch sent twice is stored once and has the first offset`() throws {
        let log = try OpenLog(LogScratch())
        try log.append(Sample.batch(7))
        let batch = Sample.idempotent(9, sequence: 0, count: 5)
        #expect(try log.append(batch).get().baseOffset == 7)
        #expect(try log.append(batch).get().baseOffset == 7)
        #expect(try log.append(batch, acks: 1).get().baseOffset == 7)
        #expect(try log.allBatches().count == 2)
    }

    @Test func `the last five batches may come again and the sixth last not`() throws {
        let log = try OpenLog(LogScratch())
        for sequence: Int32 in 0..<6 {
            _ = try log.append(Sample.idempotent(9, sequence: sequence)).get()
        }
        for sequence: Int32 in 1..<6 {
            let again = try log.append(Sample.idempotent(9, sequence: sequence))
            #expect(try again.get().baseOffset == Int64(sequence))
        }
        #expect(
            code(try log.append(Sample.idempotent(9, sequence: 0))) == .outOfOrderSequenceNumber
        )
        #expect(log.partition.offsets.highWatermark == 6)
    }

    @Test func `a gap, an overlap and another length are refused`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.append(Sample.idempotent(9, sequence: 0, count: 4)).get()
        for (sequence, count) in [(5, 1), (3, 2), (0, 3), (100, 1), (1, 3)] as [(Int32, Int)] {
            let result = try log.append(
                Sample.idempotent(9, sequence: sequence, count: count)
            )
            #expect(code(result) == .outOfOrderSequenceNumber)
        }
        #expect(try log.append(Sample.idempotent(9, sequence: 4)).get().baseOffset == 4)
    }

    @Test func `an old epoch is fenced and a new one begins at 0`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.append(Sample.idempotent(9, epoch: 3, sequence: 0)).get()
        let old = try log.append(Sample.idempotent(9, epoch: 2, sequence: 1))
        #expect(code(old) == .invalidProducerEpoch)
        let skipping = try log.append(Sample.idempotent(9, epoch: 4, sequence: 1))
        #expect(code(skipping) == .outOfOrderSequenceNumber)
        #expect(try log.append(Sample.idempotent(9, epoch: 4, sequence: 0)).get().baseOffset == 1)
        let fenced = try log.append(Sample.idempotent(9, epoch: 3, sequence: 0))
        #expect(code(fenced) == .invalidProducerEpoch)
    }

    @Test func `sequence numbers wrap to 0, also inside a batch`() throws {
        let log = try OpenLog(LogScratch())
        // An unknown producer may begin anywhere.
        _ = try log.append(Sample.idempotent(9, sequence: Int32.max - 1)).get()
        _ = try log.append(Sample.idempotent(9, sequence: Int32.max)).get()
        _ = try log.append(Sample.idempotent(9, sequence: 0)).get()
        _ = try log.append(Sample.idempotent(8, sequence: Int32.max - 1, count: 5)).get()
        let again = try log.append(Sample.idempotent(8, sequence: Int32.max - 1, count: 5))
        #expect(try again.get().baseOffset == 3)
        #expect(try log.append(Sample.idempotent(8, sequence: 3)).get().baseOffset == 8)
    }

    @Test func `a duplicate is answered only when the original is on stable storage`() throws {
        let log = try OpenLog(LogScratch())
        let gate = DispatchSemaphore(value: 0)
        log.files.set { $0.gate = gate }
        let batch = Sample.idempotent(9, sequence: 0)
        let first = log.start(batch, acks: 1)  // A producer id makes it wait like acks=-1.
        let second = log.start(batch)
        try log.eventually { log.files.syncCount == 1 }
        #expect(first.current == nil && second.current == nil)
        log.files.set { $0.gate = nil }
        gate.signal()
        #expect(try first.get().get().baseOffset == 0)
        #expect(try second.get().get().baseOffset == 0)
    }

    @Test func `producers are known after a crash and after a clean stop`() throws {
        for isClean in [false, true] {
            let scratch = try LogScratch()
            var log: OpenLog? = try OpenLog(scratch, LogSettings(segmentByteCount: 500))
            for sequence: Int32 in 0..<40 {
                _ = try log?.append(Sample.idempotent(9, sequence: sequence)).get()
                _ = try log?.append(Sample.idempotent(7, epoch: 2, sequence: sequence)).get()
            }
            let crashed = try LogScratch(copyOf: scratch)
            #expect(log?.directory.close() == true)
            log = nil
            let reopened = try OpenLog(isClean ? scratch : crashed, epoch: 2)
            let again = try reopened.append(Sample.idempotent(9, sequence: 39))
            #expect(try again.get().baseOffset == 78)
            let gap = try reopened.append(Sample.idempotent(9, sequence: 41))
            #expect(code(gap) == .outOfOrderSequenceNumber)
            let fenced = try reopened.append(Sample.idempotent(7, epoch: 1, sequence: 40))
            #expect(code(fenced) == .invalidProducerEpoch)
            #expect(
                try reopened.append(Sample.idempotent(9, sequence: 40)).get().baseOffset == 80
            )
        }
    }

    @Test func `a producer whose records are all gone may begin anywhere`() throws {
        let log = try OpenLog(LogScratch())
        _ = try log.append(Sample.idempotent(9, sequence: 0)).get()
        #expect(try log.deleteRecords(before: -1).get() == 1)
        #expect(try log.append(Sample.idempotent(9, sequence: 17)).get().baseOffset == 1)
    }

    @Test func `a silent producer is forgotten when its time is over`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 300)) {
            $0.producerExpirationMilliseconds = 1000
        }
        _ = try log.append(Sample.idempotent(9, sequence: 0)).get()
        log.now += 2000
        for _ in 0..<8 { try log.append(Sample.batch()) }  // Rolls, which looks for silent ones.
        #expect(try log.append(Sample.idempotent(9, sequence: 17)).get().baseOffset == 9)
    }

    @Test func `silent producers are looked for when old records are`() throws {
        let log = try OpenLog(LogScratch()) { $0.producerExpirationMilliseconds = 1000 }
        _ = try log.append(Sample.idempotent(9, sequence: 0)).get()
        log.now += 1000
        _ = try log.append(Sample.idempotent(8, sequence: 0)).get()
        _ = try log.onLog { $0.removeExpiredSegments() }
        #expect(
            code(try log.append(Sample.idempotent(9, sequence: 17))) == .outOfOrderSequenceNumber
        )
        log.now += 1
        _ = try log.onLog { $0.removeExpiredSegments() }
        #expect(
            code(try log.append(Sample.idempotent(8, sequence: 17))) == .outOfOrderSequenceNumber
        )
        #expect(try log.append(Sample.idempotent(9, sequence: 17)).get().baseOffset == 2)
    }

    @Test func `states survive being written and read, and damage does not`() {
        var states = ProducerStates()
        var header = RecordBatchHeader()
        for id in 0..<20 as Range<Int64> {
            for sequence: Int32 in 0..<7 {
                header.producerID = id
                header.producerEpoch = Int16(id)
                header.baseSequence = sequence * 3
                header.lastOffsetDelta = 2
                header.baseOffset += 3
                states.apply(header, now: 5)
            }
        }
        let bytes = states.encoded(at: 420)
        #expect(ProducerStates(bytes, at: 420) == states)
        #expect(ProducerStates(bytes, at: 421) == nil)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 4
            #expect(ProducerStates(damaged, at: 420) == nil)
        }
        for count in stride(from: 0, to: bytes.count, by: 37) {
            #expect(ProducerStates(Array(bytes.prefix(count)), at: 420) == nil)
        }
    }

    @Test func `too many producers make room by forgetting the most silent ones`() throws {
        var states = ProducerStates()
        var header = RecordBatchHeader()
        header.producerEpoch = 0
        header.baseSequence = 0
        for id in 0...Int64(ProducerStates.limit) {
            header.producerID = id
            states.apply(header, now: id)
        }
        #expect(states.producers.count < ProducerStates.limit)
        #expect(states.producers[0] == nil)
        #expect(states.producers[Int64(ProducerStates.limit)] != nil)
    }
}
