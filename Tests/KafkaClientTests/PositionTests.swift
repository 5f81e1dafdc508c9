import KafkaClient
import Streaming
import Testing

@Suite struct PositionTests {
    let cluster: MockCluster
    let first = TopicPartition(topic: "events", partition: 0)
    let second = TopicPartition(topic: "events", partition: 1)

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("events", partitionCount: 2)
        try cluster.fill("events", partition: 0, count: 20)
    }

    func consumer(_ properties: [String: String] = [:]) throws -> KafkaConsumer {
        try KafkaConsumer(cluster.settings(properties), topics: ["events"])
    }

    @Test func `reading begins at the assigned offset`() throws {
        let consumer = try consumer()
        try consumer.assign([first: 15])
        #expect(try consumer.copies(5).map(\.offset) == [15, 16, 17, 18, 19])
        #expect(try consumer.assignment() == [first])
        #expect(try consumer.positions() == [first: 20])
    }

    @Test func `an assignment replaces the one before`() throws {
        try cluster.fill("events", partition: 1, count: 3)
        let consumer = try consumer()
        try consumer.assign([first: 0])
        #expect(try consumer.copies(20).count == 20)
        try consumer.assign([second: 1])
        #expect(try consumer.copies(2).map(\.partition) == [1, 1])
        #expect(try consumer.assignment() == [second])
        try consumer.assign([:])
        #expect(try consumer.assignment().isEmpty)
    }

    @Test func `seek goes back and forth`() throws {
        let consumer = try consumer()
        try consumer.assign([first: 0])
        #expect(try consumer.copies(20).count == 20)
        try consumer.seek([first: 3])
        #expect(try consumer.copies(17).first?.offset == 3)
        try consumer.seek([first: 19])
        #expect(try consumer.copies(1).map(\.offset) == [19])
        #expect(throws: StreamError.self) { try consumer.seek([second: 0]) }
    }

    @Test func `a paused partition returns nothing until it is resumed`() throws {
        let consumer = try consumer()
        try consumer.assign([first: 0, second: 0])
        try consumer.pause([first])
        try cluster.fill("events", partition: 1, count: 3)
        #expect(try consumer.copies(3).map(\.partition) == [1, 1, 1])
        try consumer.resume([first])
        #expect(try consumer.copies(20).map(\.offset) == Array(0..<20))
    }

    @Test func `resuming what is not paused repeats nothing, and an assignment ends a pause`()
        throws
    {
        let consumer = try consumer()
        try consumer.assign([first: 0])
        #expect(try consumer.copies(5, maximumCount: 5).map(\.offset) == Array(0..<5))
        try consumer.resume([first, second])
        #expect(try consumer.copies(15).map(\.offset) == Array(5..<20))
        try consumer.pause([first])
        try consumer.pause([first])
        try consumer.assign([first: 18])
        #expect(try consumer.copies(2).map(\.offset) == [18, 19])
    }

    @Test func `reading goes on without a pause when as much is read ahead as may be`() throws {
        cluster.createTopic("long")
        let producer = try KafkaProducer(cluster.settings(["batch.num.messages": "500"]))
        for number in 0..<20_000 {
            try producer.send(
                OutgoingRecord(topic: "long", partition: 0, value: Array("\(number)".utf8)),
                token: 0
            )
        }
        #expect(try producer.flush(timeout: .seconds(120)))
        let consumer = try KafkaConsumer(
            cluster.settings(["queued.min.messages": "1000"]),
            topics: ["long"]
        )
        try consumer.assign(position("long"))
        #expect(try consumer.copies(1, maximumCount: 1).count == 1)
        var next: Offset = 1
        while next < 20_000 {
            // librdkafka's thread would sleep for a second, of which 10 ms have enough to read.
            let batch = try consumer.poll(maximumCount: 100, timeout: .milliseconds(500))
            try #require(!batch.records.isEmpty, "starved at \(next)")
            next += Offset(batch.records.count)
            // Work that makes the reader slower than the network.
            let end = ContinuousClock.now + .milliseconds(1)
            while ContinuousClock.now < end {}
        }
        #expect(next == 20_000)
    }

    @Test func `watermarks and partitions are those of the log`() throws {
        let consumer = try consumer()
        let watermarks = try consumer.watermarks(of: first, timeout: .seconds(120))
        #expect(watermarks.first == 0)
        #expect(watermarks.end == 20)
        #expect(try consumer.partitions(of: "events", timeout: .seconds(120)) == [first, second])
    }

    @Test func `committed offsets are found again, without a group under the client id`() throws {
        do {
            let consumer = try consumer()
            try consumer.assign([first: 0])
            try consumer.commit([first: 7])
            consumer.close()  // Waits for the commit.
            #expect(consumer.takeNotices().isEmpty)
        }
        let consumer = try consumer()
        #expect(try consumer.committed([first, second], timeout: .seconds(120)) == [first: 7])
        let other = try self.consumer(["group.id": "other"])
        #expect(try other.committed([first], timeout: .seconds(120)) == [:])
        #expect(try other.committed([], timeout: .seconds(120)) == [:])
    }

    @Test func `looking up a time after every record gives the end`() throws {
        let offsets = try consumer().offsets(
            at: .max,
            [first, second],
            timeout: .seconds(20)
        )
        #expect(offsets == [first: 20, second: 0])
    }

    @Test func `positions that cannot be read are refused with their value`() throws {
        let consumer = try consumer()
        for (positions, text) in [
            ([first: Offset(-1)], "-1"),
            ([TopicPartition(topic: "other", partition: 0): 0], "other[0]"),
            ([TopicPartition(topic: "events", partition: -5): 0], "events[-5]"),
        ] {
            let error = #expect(throws: StreamError.self) { try consumer.assign(positions) }
            #expect(error?.kind == .configuration)
            #expect(error?.message.contains(text) == true)
        }
        let huge = try consumer.poll(maximumCount: .max, timeout: .zero)
        #expect(huge.records.isEmpty)
        let none = try consumer.poll(maximumCount: -1, timeout: .seconds(-5))
        #expect(none.records.isEmpty)
    }

    @Test func `a closed consumer says that it is closed`() throws {
        let consumer = try consumer()
        consumer.close()
        consumer.close()
        let error = #expect(throws: StreamError.self) {
            _ = try consumer.poll(maximumCount: 1, timeout: .zero)
        }
        #expect(error?.isFatal == true)
        #expect(error?.message.contains("closed") == true)
        #expect(throws: StreamError.self) { try consumer.assign([first: 0]) }
        #expect(consumer.takeNotices().isEmpty)
    }
}
