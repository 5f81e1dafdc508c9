import Foundation
import KafkaBroker
import KafkaClient
import Streaming
import Testing

/// The client, over real librdkafka, against the embedded broker, over real sockets and files.
@Suite struct ClientAndBrokerTests {
    @Test(arguments: ["none", "gzip", "snappy", "lz4", "zstd"])
    func `records come back as they were sent, in order`(compression: String) async throws {
        try await withBroker { scene in
            try scene.createTopic("t", partitions: 2)
            var settings = scene.settings
            settings.properties["compression.type"] = compression
            let producer = try KafkaProducer(settings)
            let header = RecordHeader(name: "h", text: "x")
            for number in 0..<200 {
                try producer.send(
                    OutgoingRecord(
                        topic: "t",
                        partition: Int32(number % 2),
                        key: number % 3 == 0 ? nil : Array("k\(number)".utf8),
                        value: number % 7 == 0 ? nil : Array("value \(number)".utf8),
                        headers: number % 5 == 0 ? [header] : [],
                        timestamp: 1_000_000 + Int64(number)
                    ),
                    token: UInt64(number + 1)
                )
            }
            #expect(try producer.flush(timeout: .seconds(120)))
            let deliveries = producer.takeDeliveries()
            #expect(Set(deliveries.map(\.token)) == Set(1...200))
            #expect(deliveries.allSatisfy { $0.error == nil && $0.offset >= 0 })

            let consumer = try KafkaConsumer(scene.settings, topics: ["t"])
            let partitions = try consumer.partitions(of: "t", timeout: .seconds(120))
            try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
            let received = try receive(200, from: consumer)
            for record in received {
                let number = Int(record.offset) * 2 + Int(record.partition)
                #expect(record.timestamp == 1_000_000 + Int64(number))
                #expect(record.key == (number % 3 == 0 ? nil : "k\(number)"))
                #expect(record.value == (number % 7 == 0 ? nil : "value \(number)"))
                #expect(record.headers == (number % 5 == 0 ? [header] : []))
            }
            for partition: Int32 in 0..<2 {
                #expect(
                    received.filter { $0.partition == partition }.map(\.offset) == Array(0..<100)
                )
            }
        }
    }

    @Test func `a broker that stops and starts again loses and doubles nothing`() async throws {
        try await withBroker { scene in
            try scene.createTopic("t", partitions: 1)
            let producer = try KafkaProducer(scene.settings)
            let consumer = try KafkaConsumer(scene.settings, topics: ["t"])
            try consumer.assign([TopicPartition(topic: "t", partition: 0): 0])
            func send(_ range: Range<Int>) throws {
                for number in range {
                    try producer.send(
                        OutgoingRecord(topic: "t", value: Array("\(number)".utf8)),
                        token: 0
                    )
                }
            }
            try send(0..<500)
            var received = try receive(500, from: consumer)
            await scene.stop()
            try send(500..<1000)
            try await scene.start()
            #expect(try producer.flush(timeout: .seconds(60)))
            received += try receive(500, from: consumer)
            #expect(received.map(\.value) == (0..<1000).map { "\($0)" })
            #expect(received.map(\.offset) == Array(0..<1000))
        }
    }

    @Test func `a group goes on after its committed offsets, also over a restart`() async throws {
        try await withBroker { scene in
            try scene.createTopic("t", partitions: 1)
            let partition = TopicPartition(topic: "t", partition: 0)
            let producer = try KafkaProducer(scene.settings)
            for number in 0..<100 {
                try producer.send(
                    OutgoingRecord(topic: "t", value: Array("\(number)".utf8)),
                    token: 0
                )
            }
            #expect(try producer.flush(timeout: .seconds(120)))
            let first = try KafkaConsumer(
                scene.settings,
                group: "g",
                topics: ["t"],
                start: .earliest
            )
            #expect(try receive(100, from: first).count == 100)
            try first.commit([partition: 40])
            let deadline = ContinuousClock.now + .seconds(120)
            while try first.committed([partition], timeout: .seconds(5))[partition] != 40 {
                try #require(ContinuousClock.now < deadline)
            }
            first.close()
            await scene.stop()
            try await scene.start()
            let second = try KafkaConsumer(
                scene.settings,
                group: "g",
                topics: ["t"],
                start: .earliest
            )
            #expect(try receive(60, from: second).first?.offset == 40)
            second.close()
        }
    }

    @Test func `offsets are found by time, and an offset that is not there is an error`()
        async throws
    {
        try await withBroker { scene in
            try scene.createTopic("t", partitions: 1)
            let partition = TopicPartition(topic: "t", partition: 0)
            let producer = try KafkaProducer(scene.settings)
            for number in 0..<50 {
                try producer.send(
                    OutgoingRecord(topic: "t", value: [1], timestamp: 10_000 + Int64(number) * 10),
                    token: 0
                )
            }
            #expect(try producer.flush(timeout: .seconds(120)))
            let consumer = try KafkaConsumer(scene.settings, topics: ["t"])
            let found = try consumer.offsets(at: 10_205, [partition], timeout: .seconds(120))
            #expect(found == [partition: 21])
            #expect(try consumer.watermarks(of: partition, timeout: .seconds(120)) == (0, 50))
            try consumer.assign([partition: 5000])
            #expect(throws: StreamError.self) { try receive(1, from: consumer) }
        }
    }
}
