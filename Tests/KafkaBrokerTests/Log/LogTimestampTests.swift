import KafkaWire
import Testing

@testable import KafkaBroker

/// Finding records by their time.
struct LogTimestampTests {
    @Test(arguments: RecordBatchHeader.Compression.allCases)
    func `the first record at or after a time is found inside its batch`(
        _ compression: RecordBatchHeader.Compression
    ) throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 2000))
        var times: [Int64] = []
        var random = SplitMix64(state: 17)
        for _ in 0..<60 {
            // Times go up and down, within batches and between them.
            let batch = (0..<7).map { _ in Int64(random.next() % 1000) }
            times += batch
            _ = try log.append(
                Sample.batch(valueByteCount: 40, timestamps: batch, compression: compression)
            ).get()
        }
        #expect(try log.onLog { $0.segments.count } > 1)
        for time: Int64 in stride(from: 0, through: 1001, by: 13) {
            let expected = times.firstIndex { $0 >= time }
            let found = try log.find(.atOrAfter(time))
            #expect(found?.offset == expected.map(Int64.init))
            #expect(found?.timestamp == expected.map { times[$0] })
        }
        let greatest = try #require(times.max())
        let found = try log.find(.greatest)
        #expect(found?.timestamp == greatest)
        #expect(found?.offset == times.firstIndex(of: greatest).map(Int64.init))
        #expect(found?.leaderEpoch == 1)
    }

    @Test func `an empty log has no times`() throws {
        let log = try OpenLog(LogScratch())
        #expect(try log.find(.atOrAfter(0)) == nil)
        #expect(try log.find(.greatest) == nil)
        try log.append(Sample.batch(timestamps: [100]))
        #expect(try log.find(.atOrAfter(101)) == nil)
    }

    @Test func `records before the start of the log are not found`() throws {
        let log = try OpenLog(LogScratch(), LogSettings(segmentByteCount: 700))
        for time: Int64 in [900, 100, 500, 300, 500] {
            _ = try log.append(Sample.batch(timestamps: [time, time + 1, time])).get()
        }
        #expect(try log.find(.greatest)?.offset == 1)
        _ = try log.deleteRecords(before: 2).get()
        #expect(try log.find(.greatest) == .init(offset: 2, timestamp: 900, leaderEpoch: 1))
        _ = try log.deleteRecords(before: 3).get()
        #expect(try log.find(.greatest) == .init(offset: 7, timestamp: 501, leaderEpoch: 1))
        #expect(try log.find(.atOrAfter(0))?.offset == 3)
        #expect(try log.find(.atOrAfter(900)) == nil)
    }

    @Test func `times are found after a start, with and without index files`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, LogSettings(segmentByteCount: 200_000))
        for time: Int64 in 0..<200 {
            _ = try log.append(
                Sample.batch(valueByteCount: 3000, timestamps: [time * 10]),
                acks: 1
            ).get()
        }
        let crashed = try LogScratch(copyOf: scratch)
        log.directory.close()
        for place in [scratch, crashed] {
            let reopened = try OpenLog(place, epoch: 2)
            for time: Int64 in [0, 1, 555, 1990] {
                #expect(try reopened.find(.atOrAfter(time))?.offset == (time + 9) / 10)
            }
            #expect(try reopened.find(.greatest)?.offset == 199)
        }
    }
}
