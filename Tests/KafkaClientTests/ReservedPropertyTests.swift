import KafkaClient
import Streaming
import Testing

/// Properties of librdkafka with which records would be lost, repeated or passed over.
@Suite struct ReservedPropertyTests {
    private let address = "127.0.0.1:1"

    private func settings(_ properties: [String: String]) -> KafkaSettings {
        KafkaSettings(bootstrapServers: address, clientID: "test", properties: properties)
    }

    /// The errors of every kind of client, nil where it was made.
    private func refusals(_ properties: [String: String]) -> [StreamError?] {
        let settings = settings(properties)
        return [
            refusal { _ = try KafkaConsumer(settings, topics: ["events"]) },
            refusal {
                _ = try KafkaConsumer(settings, group: "g", topics: ["events"], start: .earliest)
            },
            refusal { _ = try KafkaProducer(settings) },
            refusal { _ = try KafkaProducer(settings, transactionalID: "t") },
            refusal { _ = try KafkaAdmin(settings) },
        ]
    }

    private func refusal(_ make: () throws -> Void) -> StreamError? {
        do {
            try make()
            return nil
        } catch {
            return error as? StreamError
        }
    }

    @Test(arguments: [
        ("enable.partition.eof", "true"), ("enable.partition.eof", "false"),
        ("enable.auto.commit", "true"), ("auto.commit.enable", "TRUE"),
        ("enable.auto.offset.store", "1"), ("auto.offset.reset", "latest"),
        ("isolation.level", "read_uncommitted"), ("transactional.id", "mine"),
        ("enable.idempotence", "false"), ("acks", "1"), ("request.required.acks", "0"),
        ("delivery.report.only.error", "true"), ("log.queue", "true"), ("enabled_events", "255"),
    ])
    func `a property that would break a promise is refused by every client, with the reason`(
        name: String,
        value: String
    ) {
        for error in refusals([name: value]) {
            #expect(error?.kind == .configuration)
            let text = "Kafka property \"\(name)\" is \"\(value)\": "
            #expect(error?.message.hasPrefix(text) == true)
            #expect(error?.remedy.hasPrefix("remove it from the Kafka properties") == true)
        }
    }

    @Test func `values that change nothing are taken`() {
        let harmless = [
            "enable.auto.commit": "false", "enable.auto.offset.store": "False",
            "isolation.level": "read_committed", "enable.idempotence": "true", "acks": "-1",
            "delivery.report.only.error": "false", "log.queue": "false",
        ]
        #expect(refusals(harmless).allSatisfy { $0 == nil })
    }

    @Test func `the group of the settings is for readers without one`() throws {
        let cluster = try MockCluster()
        cluster.createTopic("events")
        let settings = cluster.settings(["group.id": "tools"])
        let events = TopicPartition(topic: "events", partition: 0)
        let alone = try KafkaConsumer(settings, topics: ["events"])
        try alone.assign([events: 0])
        try alone.commit([events: 3])
        alone.close()
        let admin = try KafkaAdmin(settings)
        let timeout = Duration.seconds(60)
        let positions = try admin.positions(ofGroup: "tools", topics: ["events"], timeout: timeout)
        #expect(positions[events]?.committed == 3)
        let member = try KafkaConsumer(settings, group: "own", topics: ["events"], start: .latest)
        #expect(try member.committed([events], timeout: timeout) == [:])
    }

    @Test func `a transaction's records are not waited for longer than the transaction`() {
        let properties = ["message.timeout.ms": "60001", "transaction.timeout.ms": "60000"]
        let error = refusal {
            _ = try KafkaProducer(settings(properties), transactionalID: "t")
        }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("message.timeout.ms") == true)
    }

    @Test(arguments: ["queuing.strategy=lifo", "retries=0", "max.in.flight=6"])
    func `librdkafka refuses what an idempotent producer cannot bear`(property: String) {
        let parts = property.split(separator: "=").map(String.init)
        let error = refusal { _ = try KafkaProducer(settings([parts[0]: parts[1]])) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(parts[0]) == true)
    }
}
