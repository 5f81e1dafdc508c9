import Dispatch
import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// CreatePartitions, DeleteRecords, DescribeLogDirs, DescribeTopicPartitions and the answers of a
/// broker without others, over sockets.
struct PartitionAPITests {
    private func grow(
        _ client: RawClient,
        to count: Int64,
        of name: String = "t",
        assignments: WireValue = nil,
        validateOnly: Bool = false
    ) throws -> Fields {
        try client.request(
            .createPartitions,
            version: 3,
            [
                "topics": [
                    .structure([
                        "name": .string(name), "count": .int(count), "assignments": assignments,
                    ])
                ],
                "validateOnly": .bool(validateOnly),
            ]
        ).array("results")[0]
    }

    private func partitionCount(_ client: RawClient, of name: String = "t") throws -> Int {
        try client.request(
            .metadata,
            version: 9,
            ["topics": [.structure(["name": .string(name)])], "allowAutoTopicCreation": false]
        ).array("topics")[0].array("partitions").count
    }

    @Test func `new partitions take records as soon as they are answered, also after a restart`()
        async throws
    {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = BrokerSettings(dataDirectory: directory.path)
        settings.port = 0
        for run: Int64 in 0..<2 {
            let broker = try await Broker.start(settings, logger: quietLogger)
            let client = try RawClient(port: broker.port)
            if run == 0 {
                try client.createTopic()
                #expect(try grow(client, to: 3).errorCode() == .none)
            }
            #expect(try partitionCount(client) == 3)
            for partition: Int32 in 0..<3 {
                let answer = try client.produce(["x"], partition: partition)
                #expect(answer.errorCode() == .none)
                #expect(answer.int64("baseOffset") == run)
            }
            #expect(
                try client.produce(["x"], partition: 3).errorCode() == .unknownTopicOrPartition
            )
            await broker.shutdown()
        }
    }

    @Test func `partitions that cannot be are refused with the reason`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic(partitions: 2)
            let here: WireValue = .structure(["brokerIds": [1]])
            let cases: [(Fields, ErrorCode)] = [
                (try grow(client, to: 2), .invalidPartitions),
                (try grow(client, to: 1), .invalidPartitions),
                (try grow(client, to: -5), .invalidPartitions),
                (try grow(client, to: 10_001), .invalidPartitions),
                (try grow(client, to: 3, of: "nowhere"), .unknownTopicOrPartition),
                (
                    try grow(client, to: 3, assignments: [here, here]),
                    .invalidReplicaAssignment
                ),
                (
                    try grow(client, to: 3, assignments: [.structure(["brokerIds": [9]])]),
                    .invalidReplicaAssignment
                ),
            ]
            for (answer, code) in cases {
                #expect(answer.errorCode() == code)
                #expect(!answer.string("errorMessage").isEmpty)
            }
            #expect(try grow(client, to: 3, validateOnly: true).errorCode() == .none)
            #expect(try partitionCount(client) == 2)
            #expect(try grow(client, to: 3, assignments: [here]).errorCode() == .none)
            #expect(try partitionCount(client) == 3)
        }
    }

    /// The numbers of the open logs of all topics.
    private func logIndexes(_ client: RawClient) throws -> [Int32] {
        try client.request(.describeLogDirs, version: 0, ["topics": nil])
            .array("results")[0].array("topics").flatMap { $0.array("partitions") }
            .map { $0.int32("partitionIndex") }
    }

    @Test func `topics that grow, change and go at the same time leave no log behind`() async throws
    {
        try await withBroker { broker, settings in
            let owner = try RawClient(port: broker.port)
            for round in 0..<10 {
                try owner.createTopic()
                let clients = try (0..<6).map { _ in try RawClient(port: broker.port) }
                // Sent without waiting, so that they are carried out at the same time.
                for (index, client) in clients.enumerated() {
                    let body = try MessageCodec.encodeRequest(
                        .createPartitions,
                        version: 0,
                        [
                            "topics": [
                                .structure([
                                    "name": "t", "count": .int(Int64(index + 2)),
                                    "assignments": nil,
                                ])
                            ]
                        ]
                    )
                    try client.send(client.frame(.createPartitions, version: 0, body: body))
                }
                if round % 2 == 0 {
                    for client in clients { _ = try client.receiveFrame() }
                    #expect(try partitionCount(owner) == 7)
                    #expect(try logIndexes(owner) == Array(0..<7))
                    for partition: Int32 in 0..<7 {
                        let answer = try owner.produce(["x"], partition: partition)
                        #expect(answer.errorCode() == .none)
                        #expect(answer.int64("baseOffset") == 0)
                    }
                }
                _ = try owner.request(.deleteTopics, version: 1, ["topicNames": ["t"]])
                if round % 2 == 1 { for client in clients { _ = try client.receiveFrame() } }
            }
            let logs = settings.dataDirectory + "/t"
            let deadline = ContinuousClock.now + .seconds(120)
            while try !FileManager.default.contentsOfDirectory(atPath: logs).isEmpty,
                ContinuousClock.now < deadline
            {}
            #expect(try FileManager.default.contentsOfDirectory(atPath: logs).isEmpty)
        }
    }

    private func deleteRecords(_ client: RawClient, before offset: Int64, partition: Int64 = 0)
        throws -> Fields
    {
        try client.request(
            .deleteRecords,
            version: 2,
            [
                "topics": [
                    .structure([
                        "name": "t",
                        "partitions": [
                            .structure([
                                "partitionIndex": .int(partition), "offset": .int(offset),
                            ])
                        ],
                    ])
                ]
            ]
        ).array("topics")[0].array("partitions")[0]
    }

    @Test func `deleted records stay hidden, also after a restart`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = BrokerSettings(dataDirectory: directory.path)
        settings.port = 0
        let broker = try await Broker.start(settings, logger: quietLogger)
        let client = try RawClient(port: broker.port)
        try client.createTopic()
        for _ in 0..<5 { _ = try client.produce(["x"]) }
        let deleted = try deleteRecords(client, before: 2)
        #expect(deleted.errorCode() == .none)
        #expect(deleted.int64("lowWatermark") == 2)
        #expect(try client.fetch(from: 1).errorCode() == .offsetOutOfRange)
        #expect(try client.fetch(from: 2).errorCode() == .none)
        for (offset, code) in [(6, ErrorCode.offsetOutOfRange), (-2, .offsetOutOfRange)] {
            let refused = try deleteRecords(client, before: Int64(offset))
            #expect(refused.errorCode() == code)
            #expect(refused.int64("lowWatermark") == -1)
        }
        #expect(
            try deleteRecords(client, before: 0, partition: 1).errorCode()
                == .unknownTopicOrPartition
        )
        _ = try client.alter([("cleanup.policy", 0, "compact")])
        #expect(try deleteRecords(client, before: 3).errorCode() == .policyViolation)
        await broker.shutdown()
        let again = try await Broker.start(settings, logger: quietLogger)
        let reader = try RawClient(port: again.port)
        #expect(try reader.startOffset() == 2)
        _ = try reader.alter([("cleanup.policy", 1, nil)])
        #expect(try deleteRecords(reader, before: -1).int64("lowWatermark") == 5)
        await again.shutdown()
    }

    @Test func `a partition named twice is refused both times`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            let part: WireValue = .structure(["partitionIndex": 0, "timestamp": -1])
            let topic: WireValue = .structure(["name": "t", "partitions": [part]])
            let answer = try client.request(.listOffsets, version: 1, ["topics": [topic, topic]])
            #expect(answer.array("topics").count == 2)
            for topic in answer.array("topics") {
                #expect(topic.array("partitions").map { $0.errorCode() } == [.invalidRequest])
            }
        }
    }
}

extension PartitionAPITests {
    @Test func `the bytes of each partition are told, and those of the disk`() async throws {
        try await withBroker { broker, settings in
            let client = try RawClient(port: broker.port)
            try client.createTopic(partitions: 2)
            _ = try client.produce(batch(["abc"]), partition: 1)
            let size = Int64(batch(["abc"]).count)
            func sizes(_ topics: WireValue) throws -> [[Int64]] {
                let result = try client.request(
                    .describeLogDirs,
                    version: 4,
                    ["topics": topics]
                ).array("results")
                #expect(result.map { $0.string("logDir") } == [settings.dataDirectory])
                #expect(result[0].int64("totalBytes") > result[0].int64("usableBytes"))
                #expect(result[0].int64("usableBytes") > 0)
                return result[0].array("topics").map { topic in
                    topic.array("partitions").map { $0.int64("partitionSize") }
                }
            }
            #expect(try sizes(nil) == [[0, size]])
            #expect(
                try sizes([
                    .structure(["topic": "t", "partitions": [1, 9]]),
                    .structure(["topic": "nowhere", "partitions": [0]]),
                ]) == [[size]]
            )
            #expect(try sizes([]) == [])
        }
    }

    @Test func `the producers of a partition are listed`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            _ = try client.produce(batch(["a", "b"], timestamp: 77, producerID: 5, sequence: 0))
            let answer = try client.request(
                .describeProducers,
                version: 0,
                ["topics": [.structure(["name": "t", "partitionIndexes": [0, 4]])]]
            ).array("topics")[0].array("partitions")
            #expect(answer.map { $0.errorCode() } == [.none, .unknownTopicOrPartition])
            #expect(answer[1].string("errorMessage") == "There is no such partition.")
            let producer = try #require(answer[0].array("activeProducers").first)
            #expect(producer.int64("producerId") == 5)
            #expect(producer.int32("lastSequence") == 1)
            #expect(producer.int64("lastTimestamp") == 77)
            #expect(producer.int64("currentTxnStartOffset") == -1)
        }
    }

    @Test func `topics are described page by page`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            for (name, count) in [("b", 3), ("a", 2), ("c", 1)] {
                try client.createTopic(name, partitions: Int64(count))
            }
            var cursor: WireValue = nil
            var pages: [[String]] = []
            repeat {
                let page = try client.request(
                    .describeTopicPartitions,
                    version: 0,
                    [
                        "topics": .list(["c", "b", "a", "x"].map { ["name": $0] }),
                        "responsePartitionLimit": 2, "cursor": cursor,
                    ]
                )
                pages.append(
                    page.array("topics").flatMap { topic in
                        let name = topic.string("name")
                        guard topic.errorCode() == .none else { return ["\(name)!"] }
                        return topic.array("partitions").map {
                            "\(name)\($0.int32("partitionIndex"))"
                        }
                    }
                )
                cursor = page.structure("nextCursor").map { .structure($0) } ?? nil
                try #require(pages.count < 10)
            } while cursor != nil
            #expect(pages == [["a0", "a1"], ["b0", "b1"], ["b2", "c0"], ["x!"]])
            let all = try client.request(.describeTopicPartitions, version: 0, ["topics": []])
            #expect(all.array("topics").map { $0.string("name") } == ["a", "b", "c"])
            #expect(all.structure("nextCursor") == nil)
        }
    }

    @Test func `what one broker has no use for is answered as Kafka does`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            let filter: Fields = ["resourceNameFilter": nil, "principalFilter": nil]
            let acls = [
                try client.request(.describeAcls, version: 3, filter),
                try client.request(
                    .createAcls,
                    version: 3,
                    ["creations": [.structure(["resourceName": "t"])]]
                ).array("results")[0],
                try client.request(
                    .deleteAcls,
                    version: 3,
                    ["filters": [.structure(filter)]]
                ).array("filterResults")[0],
            ]
            for answer in acls {
                #expect(answer.errorCode() == .securityDisabled)
                #expect(answer.string("errorMessage") == "No Authorizer is configured.")
            }
            let election = try client.request(
                .electLeaders,
                version: 2,
                ["topicPartitions": [.structure(["topic": "t", "partitions": [0, 1]])]]
            ).array("replicaElectionResults")[0].array("partitionResult")
            #expect(
                election.map { $0.errorCode() } == [.electionNotNeeded, .unknownTopicOrPartition]
            )
            let all = try client.request(.electLeaders, version: 0, ["topicPartitions": nil])
            #expect(all.array("replicaElectionResults").isEmpty)
            let moves = try client.request(
                .listPartitionReassignments,
                version: 0,
                ["topics": nil]
            )
            #expect(moves.errorCode() == .none && moves.array("topics").isEmpty)
        }
    }
}
