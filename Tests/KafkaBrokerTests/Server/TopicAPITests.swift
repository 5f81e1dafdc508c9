import KafkaWire
import Testing

@testable import KafkaBroker

/// Metadata, CreateTopics, DeleteTopics, InitProducerId over sockets.
struct TopicAPITests {
    private func create(
        _ client: RawClient,
        _ topic: Fields,
        validateOnly: Bool = false
    ) throws -> Fields {
        try client.request(
            .createTopics,
            version: 7,
            ["topics": [.structure(topic)], "validateOnly": .bool(validateOnly)]
        ).array("topics")[0]
    }

    @Test func `asking for an unknown topic creates it where that is allowed`() async throws {
        try await withBroker {
            $0.numPartitions = 4
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            let topics: WireValue = [.structure(["name": "a"]), .structure(["name": "b c"])]
            let refused = try client.request(
                .metadata,
                version: 9,
                ["topics": topics, "allowAutoTopicCreation": false]
            )
            #expect(
                refused.array("topics").map { $0.errorCode() }
                    == [.unknownTopicOrPartition, .invalidTopic]
            )
            let created = try client.request(.metadata, version: 9, ["topics": topics])
            #expect(created.array("topics").map { $0.errorCode() } == [.none, .invalidTopic])
            #expect(created.array("topics")[0].array("partitions").count == 4)
            let all = try client.request(.metadata, version: 0)
            #expect(all.array("topics").map { $0.string("name") } == ["a"])
            let none = try client.request(.metadata, version: 1)
            #expect(none.array("topics").isEmpty)
        }
    }

    @Test func `a topic can be asked for by its id`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            let id = try create(
                client,
                ["name": "events", "numPartitions": 1, "replicationFactor": 1]
            ).uuid("topicId")
            let known = try client.request(
                .metadata,
                version: 12,
                ["topics": [.structure(["name": nil, "topicId": .uuid(id)])]]
            )
            #expect(known.array("topics")[0].string("name") == "events")
            let unknown = try client.request(
                .metadata,
                version: 12,
                ["topics": [.structure(["name": nil, "topicId": .uuid(.random())])]]
            )
            #expect(unknown.array("topics")[0].errorCode() == .unknownTopicID)
            #expect(unknown.array("topics")[0].optionalString("name") == nil)
            // Of a name and an id, the id counts.
            let both = try client.request(
                .metadata,
                version: 12,
                ["topics": [.structure(["name": "events", "topicId": .uuid(.random())])]]
            )
            #expect(both.array("topics")[0].errorCode() == .unknownTopicID)
        }
    }

    @Test(arguments: [10, 11] as [Int16])
    func `before version 12, a request with an id or without a name is refused`(
        _ version: Int16
    ) async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            let id = try create(
                client,
                ["name": "events", "numPartitions": 1, "replicationFactor": 1]
            ).uuid("topicId")
            let wrong: [Fields] = [
                ["name": nil, "topicId": .uuid(id)], ["name": nil, "topicId": .uuid(.random())],
                ["name": "events", "topicId": .uuid(id)], ["name": nil],
            ]
            for topic in wrong {
                let answer = try client.request(
                    .metadata,
                    version: version,
                    ["topics": [.structure(topic), .structure(["name": "new"])]]
                )
                let topics = answer.array("topics")
                #expect(topics.map { $0.errorCode() } == [.invalidRequest, .invalidRequest])
                #expect(topics.map { $0.string("name") } == [topic.string("name"), "new"])
                #expect(topics[0].uuid("topicId") == topic.uuid("topicId"))
            }
            let all = try client.request(.metadata, version: version, ["topics": nil])
            #expect(all.array("topics").map { $0.string("name") } == ["events"])
        }
    }

    @Test func `topics that cannot be are refused with the reason`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            let good: Fields = ["name": "t", "numPartitions": 1, "replicationFactor": 1]
            let trial = try create(client, good, validateOnly: true)
            #expect(trial.errorCode() == .none)
            #expect(trial.uuid("topicId") == .zero)
            #expect(try create(client, good).errorCode() == .none)
            #expect(try create(client, good).errorCode() == .topicAlreadyExists)
            let cases: [(ErrorCode, Fields)] = [
                (.invalidTopic, ["name": "a b", "numPartitions": 1, "replicationFactor": 1]),
                (.invalidPartitions, ["name": "a", "numPartitions": 0, "replicationFactor": 1]),
                (
                    .invalidReplicationFactor,
                    ["name": "a", "numPartitions": 1, "replicationFactor": 3]
                ),
                (
                    .invalidConfig,
                    [
                        "name": "a", "numPartitions": 1, "replicationFactor": 1,
                        "configs": [.structure(["name": "no.such", "value": "1"])],
                    ]
                ),
                (
                    .invalidReplicaAssignment,
                    [
                        "name": "a", "numPartitions": -1, "replicationFactor": -1,
                        "assignments": [.structure(["partitionIndex": 0, "brokerIds": [9]])],
                    ]
                ),
            ]
            for (code, topic) in cases {
                let answer = try create(client, topic)
                #expect(answer.errorCode() == code)
                #expect(answer.optionalString("errorMessage")?.isEmpty == false)
            }
        }
    }

    @Test func `a deleted topic is gone, and a new one of its name has a new id`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            let topic: Fields = ["name": "t", "numPartitions": 1, "replicationFactor": 1]
            let first = try create(client, topic).uuid("topicId")
            let deleted = try client.request(
                .deleteTopics,
                version: 6,
                ["topics": [.structure(["name": nil, "topicId": .uuid(first)])]]
            )
            #expect(deleted.array("responses")[0].errorCode() == .none)
            #expect(deleted.array("responses")[0].string("name") == "t")
            let again = try client.request(.deleteTopics, version: 1, ["topicNames": ["t"]])
            #expect(again.array("responses")[0].errorCode() == .unknownTopicOrPartition)
            let second = try create(client, topic).uuid("topicId")
            #expect(second != first)
        }
    }

    @Test func `producer ids are never given twice, unless to the same transactional id`()
        async throws
    {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            var ids: Set<Int64> = []
            for version: Int16 in 0...5 {
                let answer = try client.request(
                    .initProducerId,
                    version: version,
                    ["transactionalId": nil, "transactionTimeoutMs": 1000]
                )
                #expect(answer.errorCode() == .none)
                #expect(answer.int16("producerEpoch") == 0)
                ids.insert(answer.int64("producerId"))
            }
            #expect(ids.count == 6)
            let transactional = try (0..<2).map { _ in
                try client.request(
                    .initProducerId,
                    version: 4,
                    ["transactionalId": "tx", "transactionTimeoutMs": 1000]
                )
            }
            #expect(transactional.map { $0.int16("producerEpoch") } == [0, 1])
            #expect(Set(transactional.map { $0.int64("producerId") }).count == 1)
            #expect(!ids.contains(transactional[0].int64("producerId")))
        }
    }
}
