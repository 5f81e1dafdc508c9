import KafkaClient
import Streaming
import Testing

@Suite struct RoundTripTests {
    let cluster: MockCluster

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("events")
    }

    @Test func `a record comes back with its bytes, headers and timestamp`() throws {
        let sent = [
            OutgoingRecord(
                topic: "events",
                partition: 0,
                key: [1, 0, 255],
                value: [0, 2],
                headers: [
                    RecordHeader(name: "reason", text: "none"),
                    RecordHeader(name: "reason", value: nil),
                    RecordHeader(name: "", value: []),
                ],
                timestamp: 1_700_000_000_123
            ),
            OutgoingRecord(topic: "events", partition: 0, key: nil, value: nil, timestamp: 5),
            OutgoingRecord(topic: "events", partition: 0, key: [], value: [], timestamp: 6),
            OutgoingRecord(topic: "events", partition: 0, key: nil, value: [7]),
        ]
        let producer = try KafkaProducer(cluster.settings())
        for record in sent { try producer.send(record, token: 0) }
        #expect(try producer.flush(timeout: .seconds(120)))
        #expect(producer.takeDeliveries().isEmpty)

        let consumer = try KafkaConsumer(cluster.settings(), topics: ["events"])
        try consumer.assign(position("events"))
        let received = try consumer.copies(sent.count)
        #expect(received.map(\.key) == sent.map(\.key))
        #expect(received.map(\.value) == sent.map(\.value))
        #expect(received.map(\.headers) == sent.map(\.headers))
        #expect(received.map(\.offset) == [0, 1, 2, 3])
        #expect(received.prefix(3).map(\.timestamp) == [1_700_000_000_123, 5, 6])
        #expect(received.last.map { $0.timestamp > 1_700_000_000_123 } == true)
    }

    @Test func `records sent from raw memory come back in order`() throws {
        let producer = try KafkaProducer(cluster.settings())
        let count = 20_000
        for number in 0..<count {
            try withUnsafeBytes(of: UInt64(number)) { value in
                try producer.send(
                    topic: "events",
                    partition: 0,
                    key: nil,
                    value: value,
                    timestamp: number % 2 == 0 ? Int64(number) : nil,
                    token: 0
                )
            }
        }
        #expect(try producer.flush(timeout: .seconds(120)))
        #expect(producer.takeDeliveries().isEmpty)

        let consumer = try KafkaConsumer(cluster.settings(), topics: ["events"])
        try consumer.assign(position("events"))
        var next: UInt64 = 0
        try wait {
            let batch = try consumer.poll(maximumCount: 777, timeout: .milliseconds(50))
            #expect(batch.records.count <= 777)
            for record in batch.records {
                #expect(record.value?.loadUnaligned(as: UInt64.self) == next)
                #expect(record.offset == Offset(next))
                next += 1
            }
            return next >= UInt64(count)
        }
        #expect(next == UInt64(count))
    }

    @Test func `every token gets exactly one delivery that names partition and offset`() throws {
        cluster.createTopic("wide", partitionCount: 4)
        let producer = try KafkaProducer(cluster.settings())
        var deliveries: [Delivery] = []
        for number in 1...1000 {
            try producer.send(
                OutgoingRecord(
                    topic: "wide",
                    partition: Int32(number % 4),
                    value: Array("\(number)".utf8)
                ),
                token: UInt64(number)
            )
            if number % 100 == 0 { deliveries += producer.takeDeliveries() }
        }
        #expect(try producer.flush(timeout: .seconds(120)))
        deliveries += producer.takeDeliveries()
        #expect(deliveries.map(\.token).sorted() == Array(1...1000))
        for delivery in deliveries {
            #expect(delivery.error == nil)
            #expect(delivery.partition == Int32(delivery.token % 4))
            // Idempotent: in each partition the offsets follow the order of sending.
            #expect(delivery.offset == Offset((delivery.token - 1) / 4))
        }
        #expect(producer.takeDeliveries().isEmpty)
    }

    @Test func `a record without partition goes where Kafka's own clients send its key`() throws {
        cluster.createTopic("wide", partitionCount: 100)
        // From Kafka's UtilsTest.testMurmur2.
        let hashes: [String: Int32] = [
            "21": -973_932_308, "foobar": -790_332_482, "abc": 479_470_107,
            "a-little-bit-long-string": -985_981_536,
        ]
        let producer = try KafkaProducer(cluster.settings())
        for key in hashes.keys {
            try producer.send(
                OutgoingRecord(topic: "wide", key: Array(key.utf8), value: [1]),
                token: 0
            )
        }
        #expect(try producer.flush(timeout: .seconds(120)))
        let consumer = try KafkaConsumer(cluster.settings(), topics: ["wide"])
        let partitions = try consumer.partitions(of: "wide", timeout: .seconds(120))
        #expect(partitions.count == 100)
        try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
        let received = try consumer.copies(hashes.count)
        #expect(received.count == hashes.count)
        for record in received {
            let key = String(decoding: record.key ?? [], as: UTF8.self)
            #expect(hashes[key].map { ($0 & 0x7fff_ffff) % 100 } == record.partition)
        }
    }

    @Test func `records of several topics carry the index of their topic`() throws {
        cluster.createTopic("a")
        cluster.createTopic("b")
        try cluster.fill("b", count: 3)
        try cluster.fill("a", count: 2)
        let consumer = try KafkaConsumer(cluster.settings(), topics: ["unused", "b", "a"])
        try consumer.assign(position("a").merging(position("b")) { first, _ in first })
        let received = try consumer.copies(5)
        #expect(received.filter { $0.topic == "b" }.map(\.text) == ["0", "1", "2"])
        #expect(received.filter { $0.topic == "a" }.map(\.text) == ["0", "1"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `a poll returns as soon as there is a record, however few they are`() throws {
        try cluster.fill("events", count: 3)
        let consumer = try KafkaConsumer(cluster.settings(), topics: ["events"])
        try consumer.assign(position("events"))
        // Would take 3 hours if it waited for a thousand.
        var seen = 0
        while seen < 3 {
            seen += try consumer.poll(maximumCount: 1000, timeout: .seconds(3600)).records.count
        }
        #expect(seen == 3)
    }

    @Test func `a batch stays readable after assign, seek, close and the consumer's end`() throws {
        try cluster.fill("events", count: 1000)
        let batch = try batchOfEndedConsumer()
        #expect(!batch.records.isEmpty)
        let copies = batch.copy(topics: ["events"])
        #expect(copies.map(\.text) == (0..<copies.count).map(String.init))
        #expect(batch.headers(at: -1).isEmpty)
        #expect(batch.headers(at: copies.count).isEmpty)
    }

    private func batchOfEndedConsumer() throws -> RecordBatch {
        let consumer = try KafkaConsumer(cluster.settings(), topics: ["events"])
        try consumer.assign(position("events"))
        let batch = try consumer.poll(maximumCount: 1000, timeout: .seconds(30))
        try consumer.seek(position("events", 0, 500))
        try consumer.assign(position("events", 0, 900))
        #expect(try consumer.copies(100).map(\.text) == (900..<1000).map(String.init))
        try consumer.assign([:])
        consumer.close()
        return batch
    }
}
