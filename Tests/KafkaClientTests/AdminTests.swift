import KafkaClient
import Streaming
import Testing

/// The mock creates, deletes and configures nothing on request: that is tested against the
/// embedded broker.
@Suite struct AdminTests {
    let cluster: MockCluster
    let wait = Duration.seconds(120)

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("events", partitionCount: 3)
        cluster.createTopic("answers", partitionCount: 1)
    }

    @Test func `topics are described with their counts, and missing ones left out`() throws {
        let admin = try KafkaAdmin(cluster.settings())
        let described = try admin.describeTopics(
            ["missing", "events"],
            timeout: .seconds(2)
        )
        #expect(described.map(\.name) == ["events"])
        #expect(described.first?.partitionCount == 3)
        #expect(described.first?.replicationFactor == 1)
        // The mock cannot tell a topic's configuration, which must not look like an empty one.
        #expect(described.first?.configuration == [:])
        #expect(described.first?.configurationProblem?.isEmpty == false)
        #expect(
            try admin.describeTopics(nil, timeout: .seconds(2)).map(\.name) == [
                "answers", "events",
            ]
        )
        #expect(try admin.describeTopics([], timeout: wait).isEmpty)
    }

    @Test func `a request that nobody answers is an error`() throws {
        let admin = try KafkaAdmin(cluster.settings())
        let topic = NewTopic(name: "new", partitionCount: 1)
        #expect(throws: StreamError.self) {
            _ = try admin.createTopics([topic], timeout: .seconds(1))
        }
        #expect(throws: StreamError.self) {
            _ = try admin.deleteTopics(["new"], timeout: .seconds(1))
        }
        #expect(try admin.createTopics([], timeout: wait).isEmpty)
        #expect(try admin.deleteTopics([], timeout: wait).isEmpty)
    }

    @Test func `a topic that cannot be is refused before it is asked for`() throws {
        let admin = try KafkaAdmin(cluster.settings())
        for count in [-7, .max, .min] {
            let error = #expect(throws: StreamError.self) {
                _ = try admin.createTopics(
                    [NewTopic(name: "new", partitionCount: count)],
                    timeout: wait
                )
            }
            #expect(error?.kind == .configuration)
            #expect(error?.message.contains("\(count)") == true)
        }
    }

    @Test func `without a broker every request says so in time`() throws {
        let admin = try KafkaAdmin(KafkaSettings(bootstrapServers: "127.0.0.1:1"))
        let requests: [() throws -> Void] = [
            { _ = try admin.describeTopics(nil, timeout: .milliseconds(200)) },
            {
                _ = try admin.createTopics(
                    [NewTopic(name: "new", partitionCount: 1)],
                    timeout: .milliseconds(200)
                )
            },
            { _ = try admin.deleteTopics(["new"], timeout: .milliseconds(200)) },
        ]
        for request in requests {
            let error = #expect(throws: StreamError.self) { try request() }
            #expect(error?.kind == .unreachable || error?.kind == .timedOut)
            #expect(error?.message.contains("127.0.0.1:1") == true)
        }
    }

    @Test func `a group's position and lag are told`() throws {
        try cluster.fill("events", partition: 1, count: 10)
        let partition = TopicPartition(topic: "events", partition: 1)
        do {
            let consumer = try KafkaConsumer(
                cluster.settings(["group.id": "trainer"]),
                topics: ["events"]
            )
            try consumer.commit([partition: 4])
            consumer.close()
        }
        let admin = try KafkaAdmin(cluster.settings())
        let positions = try admin.positions(ofGroup: "trainer", topics: ["events"], timeout: wait)
        #expect(positions == [partition: GroupPosition(committed: 4, end: 10)])
        #expect(positions[partition]?.lag == 6)
        let error = #expect(throws: StreamError.self) {
            _ = try admin.positions(ofGroup: "trainer", topics: ["missing"], timeout: wait)
        }
        #expect(error?.kind == .unknownTopic)
    }
}
