import CLibrdkafka
import KafkaClient
import Streaming
import Testing

@Suite struct ConsumerFailureTests {
    let cluster: MockCluster
    let events = TopicPartition(topic: "events", partition: 0)

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("events")
    }

    func consumer(_ properties: [String: String] = [:]) throws -> KafkaConsumer {
        try KafkaConsumer(cluster.settings(properties), topics: ["events"])
    }

    @Test func `a lost broker is told once, and reading goes on when it is back`() throws {
        try cluster.fill("events", count: 5)
        let consumer = try consumer()
        try consumer.assign([events: 0])
        #expect(try consumer.copies(5).count == 5)
        #expect(consumer.takeNotices().isEmpty)

        cluster.stopBroker()
        var notices: [StreamNotice] = []
        func pollUntil(_ isSought: (StreamNotice) -> Bool) throws {
            try wait {
                let batch = try consumer.poll(maximumCount: 10, timeout: .milliseconds(20))
                #expect(batch.records.isEmpty)
                notices += consumer.takeNotices()
                return notices.contains(where: isSought)
            }
        }
        try pollUntil { if case .disconnected = $0 { true } else { false } }
        // Enough time for many attempts to reconnect, whose failures must not be told one by one.
        let deadline = ContinuousClock.now + .seconds(2)
        try pollUntil { _ in ContinuousClock.now > deadline }
        guard case .disconnected(let text) = notices.first else {
            Issue.record("\(notices)")
            return
        }
        #expect(text.contains("127.0.0.1"))
        #expect(notices.count == 1)

        cluster.startBroker()
        try pollUntil { $0 == .connected }
        #expect(notices.count == 2)
        try cluster.fill("events", count: 3)
        #expect(try consumer.copies(3).map(\.offset) == [5, 6, 7])
    }

    @Test func `closing ends even if a commit waits for a broker that is gone`() throws {
        try cluster.fill("events", count: 5)
        let consumer = try consumer()
        try consumer.assign([events: 0])
        #expect(try consumer.copies(5).count == 5)
        cluster.stopBroker()
        try consumer.commit([events: 5])
        let begin = ContinuousClock.now
        consumer.close()
        // The commit would wait a minute (socket.timeout.ms).
        #expect(ContinuousClock.now - begin < .seconds(45))
    }

    @Test func `a client without any broker says so, and its questions name the address`() throws {
        let settings = KafkaSettings(bootstrapServers: "127.0.0.1:1")
        let consumer = try KafkaConsumer(settings, topics: ["events"])
        try consumer.assign([events: 0])
        var notices: [StreamNotice] = []
        try wait {
            _ = try consumer.poll(maximumCount: 1, timeout: .milliseconds(20))
            notices += consumer.takeNotices()
            return !notices.isEmpty
        }
        guard case .disconnected(let text) = notices.first else {
            Issue.record("\(notices)")
            return
        }
        #expect(text.contains("127.0.0.1:1"))
        let questions: [() throws -> Void] = [
            { _ = try consumer.partitions(of: "events", timeout: .milliseconds(100)) },
            { _ = try consumer.watermarks(of: self.events, timeout: .milliseconds(100)) },
            { _ = try consumer.committed([self.events], timeout: .milliseconds(100)) },
            { _ = try consumer.offsets(at: 0, [self.events], timeout: .milliseconds(100)) },
        ]
        for question in questions {
            let error = #expect(throws: StreamError.self) { try question() }
            #expect(error?.kind == .unreachable || error?.kind == .timedOut)
            #expect(error?.message.contains("127.0.0.1:1") == true)
            #expect(error?.isRetriable == true)
        }
    }

    @Test func `an assigned topic that does not exist is an error that names it`() throws {
        cluster.setError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ofTopic: "missing")
        let consumer = try KafkaConsumer(
            cluster.settings(["topic.metadata.propagation.max.ms": "100"]),
            topics: ["missing"]
        )
        try consumer.assign(position("missing"))
        let error = try consumer.error()
        #expect(error?.kind == .unknownTopic)
        #expect(error?.message.contains("missing") == true)
        let answer = #expect(throws: StreamError.self) {
            _ = try consumer.partitions(of: "missing", timeout: .seconds(60))
        }
        #expect(answer?.kind == .unknownTopic)
    }

    @Test func `a partition that does not exist is an error that names it`() throws {
        let consumer = try consumer(["topic.metadata.propagation.max.ms": "100"])
        try consumer.assign(position("events", 9))
        let error = try consumer.error()
        #expect(error?.kind == .unknownTopic)
        #expect(error?.message.contains("events [9]") == true)
    }

    @Test func `an offset that is not in the log is an error, and nothing is skipped`() throws {
        try cluster.fill("events", count: 3)
        let consumer = try consumer()
        try consumer.assign([events: 1000])
        let error = try consumer.error()
        #expect(error?.kind == .offsetOutOfRange)
        #expect(error?.message.contains("events[0]") == true)
        try consumer.assign([events: 2])
        #expect(try consumer.copies(1).map(\.offset) == [2])
    }

    @Test func `a group waits for a topic that does not exist yet`() throws {
        cluster.setError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ofTopic: "later")
        let consumer = try KafkaConsumer(
            cluster.settings(["topic.metadata.propagation.max.ms": "100"]),
            group: "scorers",
            topics: ["later"],
            start: .earliest
        )
        var notices: [StreamNotice] = []
        try wait {
            let batch = try consumer.poll(maximumCount: 10, timeout: .milliseconds(20))
            #expect(batch.records.isEmpty)
            notices += consumer.takeNotices()
            return !notices.isEmpty
        }
        guard case .warning(let text) = notices.first else {
            Issue.record("\(notices)")
            return
        }
        #expect(text.contains("later"))
    }

    @Test func `a failing fetch is tried again without losing or repeating a record`() throws {
        try cluster.fill("events", count: 100)
        cluster.fail(
            API.fetch,
            with: [
                RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            ]
        )
        let consumer = try consumer()
        try consumer.assign([events: 0])
        #expect(try consumer.copies(100).map(\.offset) == Array(0..<100))
    }

    @Test func `a refused property is named with librdkafka's own words`() throws {
        let cases = [
            ("no.such.property", "1", "No such configuration property"),
            ("fetch.wait.max.ms", "soon", "Invalid value"),
            ("fetch.wait.max.ms", "99999999", "outside allowed range"),
        ]
        for (name, value, words) in cases {
            let settings = cluster.settings([name: value])
            for make in [
                { _ = try KafkaConsumer(settings, topics: []) },
                { _ = try KafkaProducer(settings) },
                { _ = try KafkaAdmin(settings) },
            ] as [() throws -> Void] {
                let error = #expect(throws: StreamError.self) { try make() }
                #expect(error?.kind == .configuration)
                #expect(error?.message.contains("\"\(name)\"") == true)
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
        }
        // Each property alone is right; together they are not.
        let error = #expect(throws: StreamError.self) {
            _ = try KafkaConsumer(
                cluster.settings(["session.timeout.ms": "9000", "max.poll.interval.ms": "8000"]),
                topics: []
            )
        }
        #expect(error?.message.contains("max.poll.interval.ms") == true)
    }

    @Test func `names that are no topics or groups are refused`() throws {
        for topics in [["^a.*"], [""], ["a", "a"], [String(repeating: "x", count: 250)]] {
            let error = #expect(throws: StreamError.self) {
                _ = try KafkaConsumer(cluster.settings(), topics: topics)
            }
            #expect(error?.kind == .configuration)
        }
        #expect(throws: StreamError.self) {
            _ = try KafkaConsumer(cluster.settings(), group: "", topics: ["a"], start: .latest)
        }
        #expect(throws: StreamError.self) {
            _ = try KafkaConsumer(cluster.settings(), group: "g", topics: [], start: .latest)
        }
    }
}
