import Streaming
import Testing

@Suite struct MemoryLogTests {
    private let partition = TopicPartition(topic: "t", partition: 0)
    private let wait = Duration.seconds(1)

    @Test func `readers see what is committed, and nothing that is open or aborted`() throws {
        let log = MemoryLog(["t": 1])
        let sink = log.sink(transactionalID: "a")
        let source = log.source(["t"])
        try source.assign([partition: 0])
        try sink.initializeTransactions(timeout: wait)
        try sink.beginTransaction()
        try sink.send(OutgoingRecord(topic: "t", value: [1]), token: 1)
        try log.sink().send(OutgoingRecord(topic: "t", value: [2]), token: 0)
        #expect(try source.poll(maximumCount: 10, timeout: .zero).records.isEmpty)
        #expect(try source.watermarks(of: partition, timeout: wait).end == 0)
        try sink.commitTransaction(timeout: wait)
        #expect(log.values(of: partition) == [[1], [2]])
        let batch = try source.poll(maximumCount: 10, timeout: .zero)
        #expect(batch.records.map(\.offset) == [0, 1])
        #expect(source.reachedEnd(of: partition) == 3)

        try sink.beginTransaction()
        try sink.send(OutgoingRecord(topic: "t", value: [3]), token: 2)
        try sink.abortTransaction(timeout: wait)
        #expect(try source.poll(maximumCount: 10, timeout: .zero).records.isEmpty)
        #expect(source.reachedEnd(of: partition) == 5)
        #expect(sink.takeDeliveries().map(\.offset) == [0, 3])
    }

    @Test func `a newer sink aborts what the older one left and fences it`() throws {
        let log = MemoryLog(["t": 1])
        let older = log.sink(transactionalID: "a")
        try older.initializeTransactions(timeout: wait)
        try older.beginTransaction()
        try older.send(OutgoingRecord(topic: "t", value: [1]), token: 1)
        let newer = log.sink(transactionalID: "a")
        try newer.initializeTransactions(timeout: wait)
        let error = #expect(throws: StreamError.self) {
            try older.commitTransaction(timeout: wait)
        }
        #expect(error?.kind == .fenced)
        try newer.beginTransaction()
        try newer.sendOffsets([partition: 7], groupOf: log.source(["t"]), timeout: wait)
        #expect(log.committedOffsets.isEmpty)
        try newer.commitTransaction(timeout: wait)
        #expect(log.committedOffsets == [partition: 7])
        #expect(log.values(of: partition).isEmpty)
    }
}
