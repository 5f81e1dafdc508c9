import CLibrdkafka
import KafkaClient
import Streaming
import Testing

@Suite struct ProducerFailureTests {
    let cluster: MockCluster

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("events")
    }

    func record(_ number: Int, partition: Int32? = 0) -> OutgoingRecord {
        OutgoingRecord(topic: "events", partition: partition, value: Array("\(number)".utf8))
    }

    func received(_ count: Int) throws -> [CopiedRecord] {
        let consumer = try KafkaConsumer(cluster.settings(), topics: ["events"])
        try consumer.assign(position("events"))
        return try consumer.copies(count)
    }

    @Test func `a full queue makes send wait, and nothing is lost`() throws {
        cluster.setRoundTripTime(milliseconds: 20)
        let producer = try KafkaProducer(
            cluster.settings(["queue.buffering.max.messages": "10", "linger.ms": "0"])
        )
        for number in 0..<200 { try producer.send(record(number), token: UInt64(number + 1)) }
        // Had send not waited, 190 of them would still be in a queue that holds 10.
        #expect(producer.takeDeliveries().count >= 190)
        #expect(try producer.flush(timeout: .seconds(120)))
        #expect(try received(200).map(\.text) == (0..<200).map(String.init))
    }

    @Test func `records sent while the broker is down arrive in order when it is back`() throws {
        let producer = try KafkaProducer(cluster.settings())
        try producer.send(record(0), token: 0)
        #expect(try producer.flush(timeout: .seconds(120)))
        cluster.stopBroker()
        for number in 1..<500 { try producer.send(record(number), token: 0) }
        var notices: [StreamNotice] = []
        try wait {
            let isFlushed = try producer.flush(timeout: .milliseconds(20))
            #expect(!isFlushed)
            notices += producer.takeNotices()
            return !notices.isEmpty
        }
        cluster.startBroker()
        #expect(try producer.flush(timeout: .seconds(120)))
        try wait {
            notices += producer.takeNotices()
            return notices.last == .connected
        }
        guard case .disconnected = notices.first, notices.last == .connected else {
            Issue.record("\(notices)")
            return
        }
        #expect(notices.count == 2)
        #expect(producer.takeDeliveries().isEmpty)
        #expect(try received(500).map(\.text) == (0..<500).map(String.init))
    }

    @Test func `errors that pass neither repeat nor reorder records`() throws {
        cluster.fail(
            API.produce,
            with: [
                RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            ]
        )
        let producer = try KafkaProducer(
            cluster.settings(["batch.num.messages": "10", "retry.backoff.ms": "10"])
        )
        for number in 0..<100 { try producer.send(record(number), token: 0) }
        #expect(try producer.flush(timeout: .seconds(120)))
        #expect(producer.takeDeliveries().isEmpty)
        #expect(try received(100).map(\.text) == (0..<100).map(String.init))
    }

    @Test func `a record that is given up is told, even without a token`() throws {
        let producer = try KafkaProducer(cluster.settings(["message.timeout.ms": "300"]))
        cluster.stopBroker()
        try producer.send(record(1), token: 0)
        try producer.send(record(2), token: 77)
        #expect(try producer.flush(timeout: .seconds(120)))
        let deliveries = producer.takeDeliveries()
        #expect(deliveries.map(\.token).sorted() == [0, 77])
        for delivery in deliveries {
            #expect(delivery.error?.kind == .timedOut)
            #expect(delivery.error?.isRetriable == true)
            #expect(delivery.error?.message.contains("events[0]") == true)
            #expect(delivery.offset == -1)
        }
    }

    @Test func `records for a missing topic or partition are told as such`() throws {
        cluster.setError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ofTopic: "missing")
        let producer = try KafkaProducer(
            cluster.settings(["topic.metadata.propagation.max.ms": "100"])
        )
        try producer.send(OutgoingRecord(topic: "missing", value: [1]), token: 1)
        try producer.send(record(1, partition: 9), token: 2)
        #expect(try producer.flush(timeout: .seconds(120)))
        let deliveries = producer.takeDeliveries().sorted { $0.token < $1.token }
        #expect(deliveries.map(\.token) == [1, 2])
        #expect(deliveries.map(\.error?.kind) == [.unknownTopic, .unknownTopic])
        #expect(deliveries.first?.error?.message.contains("missing") == true)
    }

    @Test func `a record that is too large is refused with its size`() throws {
        let producer = try KafkaProducer(cluster.settings(["message.max.bytes": "2000"]))
        let large = OutgoingRecord(
            topic: "events",
            value: [UInt8](repeating: 0, count: 5000),
            headers: [RecordHeader(name: "a", value: [1])]
        )
        let error = #expect(throws: StreamError.self) { try producer.send(large, token: 1) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("5000") == true)
        #expect(error?.remedy.contains("message.max.bytes") == true)
        #expect(producer.takeDeliveries().isEmpty)

        let narrow = try KafkaProducer(cluster.settings(["queue.buffering.max.kbytes": "1"]))
        let other = #expect(throws: StreamError.self) { try narrow.send(large, token: 1) }
        #expect(other?.remedy.contains("queue.buffering.max.kbytes") == true)
    }

    @Test func `deliveries that nobody takes end in an error, not in endless memory`() throws {
        let producer = try KafkaProducer(
            cluster.settings(["queue.buffering.max.messages": "1000"])
        )
        var failure: StreamError?
        var sentCount = 0
        while failure == nil, sentCount < 300_000 {
            do throws(StreamError) {
                try producer.send(record(0), token: 1)
                sentCount += 1
            } catch {
                failure = error
            }
        }
        #expect(failure?.remedy.contains("takeDeliveries") == true)
        #expect(try producer.flush(timeout: .seconds(120)))
        #expect(producer.takeDeliveries().count == sentCount)
        try producer.send(record(0), token: 2)
        #expect(try producer.flush(timeout: .seconds(120)))
        #expect(producer.takeDeliveries().map(\.token) == [2])
    }
}
