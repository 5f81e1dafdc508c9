import Foundation
import KafkaBroker
import KafkaClient
import Logging
import Streaming
import Testing

@testable import freshet

/// Runs blocking work on a thread of its own, as commands do.
private func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Runs work against a broker of its own, which is stopped and removed afterwards.
func withBroker(
    _ body: @escaping @Sendable (EffectiveConfiguration) throws -> Void
) async throws {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("freshet-\(UUID().uuidString)").path
    var settings = BrokerSettings(dataDirectory: directory)
    settings.port = 0
    var logger = Logger(label: "test")
    logger.logLevel = .error
    let broker = try await Broker.start(settings, logger: logger)
    let result: Result<Void, any Error>
    do {
        let effective = try EffectiveConfiguration(
            overrides: [
                EffectiveConfiguration.Override(
                    key: "kafka.bootstrap_servers",
                    value: broker.bootstrapServers,
                    flag: "--bootstrap"
                ),
                EffectiveConfiguration.Override(key: "topics.directory", value: "", flag: "--set"),
            ],
            exists: { _ in false }
        )
        result = .success(try await onOwnThread { try body(effective) })
    } catch {
        result = .failure(error)
    }
    await broker.shutdown()
    try? FileManager.default.removeItem(atPath: directory)
    try result.get()
}

let patience = Duration.seconds(120)

/// Every value of a topic, by partition and offset.
private func values(of topic: String, _ effective: EffectiveConfiguration) throws -> [String] {
    let consumer = try KafkaConsumer(effective.kafkaSettings, topics: [topic])
    let partitions = try consumer.partitions(of: topic, timeout: patience)
    var expected = 0
    for partition in partitions {
        expected += Int(try consumer.watermarks(of: partition, timeout: patience).end)
    }
    try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
    var values: [String] = []
    let deadline = ContinuousClock.now + patience
    while values.count < expected && ContinuousClock.now < deadline {
        let batch = try consumer.poll(maximumCount: 1000, timeout: .milliseconds(100))
        for record in batch.records {
            values.append(String(decoding: record.value.map(Array.init) ?? [], as: UTF8.self))
        }
    }
    return values
}

@Suite(.serialized) struct BrokerTests {
    @Test func `topics are created once and then as declared`() async throws {
        try await withBroker { effective in
            let declarations = try effective.topicDeclarations()
            let admin = try effective.connectedAdmin()
            #expect(
                try declarations.differences(admin, timeout: patience).count
                    == TopicRole.allCases.count
            )
            #expect(throws: StreamError.self) { try declarations.verify(admin, timeout: patience) }
            #expect(
                try declarations.apply(admin, timeout: patience)
                    == TopicRole.allCases.map(\.rawValue)
            )
            #expect(try declarations.differences(admin, timeout: patience).isEmpty)
            try declarations.verify(admin, timeout: patience)
            #expect(try declarations.apply(admin, timeout: patience).isEmpty)
        }
    }

    @Test func `a topic with other partitions is an error at start and is left alone`() async throws
    {
        try await withBroker { effective in
            let declarations = try effective.topicDeclarations()
            let admin = try effective.connectedAdmin()
            _ = try admin.createTopics(
                [NewTopic(name: "interactions", partitionCount: 3)],
                timeout: patience
            )
            #expect(
                try declarations.apply(admin, timeout: patience).count
                    == TopicRole.allCases.count - 1
            )
            let error = #expect(throws: StreamError.self) {
                try declarations.verify(admin, timeout: patience, roles: [.interactions])
            }
            #expect(
                error?.message == "topic \"interactions\" has 3 partitions, "
                    + "topics/interactions.yaml declares 1"
            )
            try declarations.verify(admin, timeout: patience, roles: [.recommendations])
        }
    }

    @Test func `without a broker the address is named and what to start`() async throws {
        let effective = try EffectiveConfiguration(
            environment: ["FRESHET_KAFKA__TIMEOUT": "300ms"],
            overrides: [
                EffectiveConfiguration.Override(
                    key: "kafka.bootstrap_servers",
                    value: "127.0.0.1:1",
                    flag: "--bootstrap"
                )
            ],
            exists: { _ in false }
        )
        let failure = try await onOwnThread {
            #expect(throws: CommandFailure.self) { try effective.connectedAdmin() }
        }
        #expect(failure?.status == .unreachable)
        #expect(failure?.message.contains("127.0.0.1:1") == true)
    }

    @Test func `every generated event is in the topic, a user's in one partition in order`()
        async throws
    {
        try await withBroker { effective in
            let declarations = try effective.topicDeclarations()
            _ = try declarations.apply(try effective.connectedAdmin(), timeout: patience)
            let interruption = Interruption()
            let output = try TopicOutput(
                topic: "interactions",
                settings: effective.kafkaSettings,
                interruption: interruption
            )
            var generator = InteractionGenerator(GeneratorSettings(users: 50, items: 100))
            let transfer = EventTransfer(
                pace: .unlimited,
                stampsNow: false,
                total: nil,
                interruption: interruption
            )
            let summary = try transfer.run(
                { generator.index < 20_000 ? generator.next() : nil },
                to: output
            )
            #expect(summary.count == 20_000)

            var expected = InteractionGenerator(GeneratorSettings(users: 50, items: 100))
            var byUser: [[UInt8]: [String]] = [:]
            var encoder = InteractionEncoder()
            for _ in 0..<20_000 {
                let event = expected.next()
                encoder.encode(event)
                byUser[event.user, default: []].append(
                    String(decoding: encoder.bytes, as: UTF8.self)
                )
            }
            let sent = try values(of: "interactions", effective)
            #expect(sent.count == 20_000)
            for (user, events) in byUser {
                let prefix = "{\"user\":\"\(String(decoding: user, as: UTF8.self))\","
                #expect(sent.filter { $0.hasPrefix(prefix) } == events)
            }
        }
    }

    @Test func `events that cannot be delivered are counted and fail the work`() async throws {
        try await withBroker { effective in
            let admin = try effective.connectedAdmin()
            _ = try admin.createTopics(
                [
                    NewTopic(
                        name: "narrow",
                        partitionCount: 1,
                        configuration: ["max.message.bytes": "200"]
                    )
                ],
                timeout: patience
            )
            let output = try TopicOutput(
                topic: "narrow",
                settings: effective.kafkaSettings,
                interruption: Interruption()
            )
            let long = [UInt8](repeating: UInt8(ascii: "x"), count: 400)
            // Random enough not to be compressed below the limit.
            var random = RandomSource(seed: 1, purpose: 9)
            let noise = long.map { _ in UInt8(97 + random.index(26)) }
            let failure = #expect(throws: CommandFailure.self) {
                try output.write(Interaction(user: [97], item: noise, value: nil, timestamp: 1))
                try output.finish()
            }
            #expect(failure?.message.hasPrefix("1 of 1 events were not delivered") == true)
            #expect(failure?.status == .failure)
        }
    }

    @Test func `an answer finds its request among others`() async throws {
        try await withBroker { effective in
            let declarations = try effective.topicDeclarations()
            _ = try declarations.apply(try effective.connectedAdmin(), timeout: patience)
            let client = try RequestClient(effective, of: .recommender)
            let other = Thread { try? answerRequests(effective) }
            other.start()
            let request = RecommendationRequest(request: "mine", user: "ann", count: 1)
            let answer = try client.ask(request, timeout: patience)
            #expect(answer?.recommendation.items?.first?.item == "for ann")
            #expect(answer?.recommendation.version == 3)
        }
    }

    @Test func `without a scorer there is no answer`() async throws {
        try await withBroker { effective in
            let declarations = try effective.topicDeclarations()
            _ = try declarations.apply(try effective.connectedAdmin(), timeout: patience)
            let client = try RequestClient(effective, of: .recommender)
            let request = RecommendationRequest(request: "mine", user: "ann")
            #expect(try client.ask(request, timeout: .milliseconds(300)) == nil)
        }
    }
}

/// Answers one request as a scorer does, after an answer to somebody else.
private func answerRequests(_ effective: EffectiveConfiguration) throws {
    let names = effective.topicNames
    let consumer = try KafkaConsumer(effective.kafkaSettings, topics: [names.recommendRequests])
    let producer = try KafkaProducer(effective.kafkaSettings)
    let partitions = try consumer.partitions(of: names.recommendRequests, timeout: patience)
    try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
    let deadline = ContinuousClock.now + patience
    while ContinuousClock.now < deadline {
        let batch = try consumer.poll(maximumCount: 10, timeout: .milliseconds(100))
        for record in batch.records {
            let bytes = record.value.map(Array.init) ?? []
            let request = try JSONDecoder().decode(RecommendationRequest.self, from: Data(bytes))
            for name in ["another", request.request] {
                let answer = """
                    {"request":"\(name)","user":"\(request.user)",\
                    "items":[{"item":"for \(name == "another" ? "x" : request.user)","score":1}],\
                    "model":"m","version":3,"sequence":1,"watermark":5}
                    """
                try producer.send(
                    OutgoingRecord(
                        topic: names.recommendations,
                        key: Array(request.user.utf8),
                        value: Array(answer.utf8)
                    ),
                    token: 0
                )
            }
            _ = try producer.flush(timeout: patience)
            return
        }
    }
}
