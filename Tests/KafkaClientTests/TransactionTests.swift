import CLibrdkafka
import KafkaClient
import Streaming
import Testing

/// The mock answers a transaction's requests but keeps no transactions: what readers see of
/// aborted ones, fencing and committed offsets is tested against the embedded broker.
@Suite struct TransactionTests {
    let cluster: MockCluster
    let wait = Duration.seconds(120)

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("events")
    }

    @Test func `a transaction is begun, filled and committed, and the next one too`() throws {
        let producer = try KafkaProducer(cluster.settings(), transactionalID: "trainer")
        let consumer = try KafkaConsumer(cluster.settings(), topics: ["events"])
        try consumer.assign(position("events"))
        try producer.initializeTransactions(timeout: wait)
        for number in 0..<3 {
            try producer.beginTransaction()
            try producer.send(
                OutgoingRecord(topic: "events", value: Array("\(number)".utf8)),
                token: UInt64(number + 1)
            )
            try producer.sendOffsets(
                position("events", 0, Offset(number)),
                groupOf: consumer,
                timeout: wait
            )
            try producer.sendOffsets([:], groupOf: consumer, timeout: wait)
            try producer.commitTransaction(timeout: wait)
            #expect(producer.takeDeliveries().map(\.token) == [UInt64(number + 1)])
        }
        #expect(try consumer.copies(3).map(\.text) == ["0", "1", "2"])
    }

    @Test func `an error within a transaction says to abort it, after which the next succeeds`()
        throws
    {
        let producer = try KafkaProducer(cluster.settings(), transactionalID: "trainer")
        try producer.initializeTransactions(timeout: wait)
        cluster.fail(
            API.addPartitionsToTransaction,
            with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]
        )
        try producer.beginTransaction()
        try producer.send(OutgoingRecord(topic: "events", value: [1]), token: 1)
        let error = #expect(throws: StreamError.self) {
            try producer.commitTransaction(timeout: wait)
        }
        #expect(error?.remedy.contains("abort") == true)
        #expect(error?.isFatal == false)
        try producer.abortTransaction(timeout: wait)
        let deliveries = producer.takeDeliveries()
        #expect(deliveries.map(\.token) == [1])
        #expect(deliveries.first?.error != nil)

        try producer.beginTransaction()
        try producer.send(OutgoingRecord(topic: "events", value: [2]), token: 2)
        try producer.commitTransaction(timeout: wait)
        #expect(producer.takeDeliveries().map(\.error) == [nil])
    }

    @Test func `a fenced producer is told that it is of no more use`() throws {
        let producer = try KafkaProducer(cluster.settings(), transactionalID: "trainer")
        try producer.initializeTransactions(timeout: wait)
        cluster.fail(
            API.addPartitionsToTransaction,
            with: [RD_KAFKA_RESP_ERR_PRODUCER_FENCED]
        )
        try producer.beginTransaction()
        try producer.send(OutgoingRecord(topic: "events", value: [1]), token: 1)
        let error = #expect(throws: StreamError.self) {
            try producer.commitTransaction(timeout: wait)
        }
        #expect(error?.kind == .fenced)
        #expect(error?.isFatal == true)
        #expect(error?.isRetriable == false)
        let next = #expect(throws: StreamError.self) {
            try producer.send(OutgoingRecord(topic: "events", value: [2]), token: 2)
        }
        #expect(next?.kind == .fenced)
        #expect(next?.isFatal == true)
    }

    @Test func `calls out of turn are errors`() throws {
        let plain = try KafkaProducer(cluster.settings())
        #expect(throws: StreamError.self) { try plain.initializeTransactions(timeout: wait) }
        #expect(throws: StreamError.self) { try plain.beginTransaction() }
        let producer = try KafkaProducer(cluster.settings(), transactionalID: "trainer")
        #expect(throws: StreamError.self) { try producer.beginTransaction() }
        let error = #expect(throws: StreamError.self) {
            try producer.send(OutgoingRecord(topic: "events", value: [2]), token: 2)
        }
        #expect(error?.remedy.contains("begin a transaction") == true)
        #expect(throws: StreamError.self) {
            _ = try KafkaProducer(cluster.settings(), transactionalID: "")
        }
    }

    @Test func `a time-out while no coordinator answers can be tried again`() throws {
        cluster.stopBroker()
        let producer = try KafkaProducer(cluster.settings(), transactionalID: "trainer")
        let error = #expect(throws: StreamError.self) {
            try producer.initializeTransactions(timeout: .milliseconds(200))
        }
        #expect(error?.kind == .timedOut)
        #expect(error?.isRetriable == true)
        cluster.startBroker()
        try producer.initializeTransactions(timeout: wait)
        try producer.beginTransaction()
        try producer.abortTransaction(timeout: wait)
    }
}
