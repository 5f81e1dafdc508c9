import KafkaWire
import Testing

@testable import KafkaBroker

extension RawClient {
    /// The settings of a topic or, with type 4, of the broker.
    func describeConfigs(
        _ name: String = "t",
        type: Int64 = 2,
        keys: WireValue = nil,
        version: Int16 = 4
    ) throws -> Fields {
        try request(
            .describeConfigs,
            version: version,
            [
                "resources": [
                    .structure([
                        "resourceType": .int(type), "resourceName": .string(name),
                        "configurationKeys": keys,
                    ])
                ],
                "includeSynonyms": true, "includeDocumentation": true,
            ]
        ).array("results")[0]
    }

    /// The values that a topic has for itself.
    func ownConfigs(_ name: String = "t") throws -> [String: String] {
        let configs = try describeConfigs(name).array("configs")
        let own = configs.filter { $0.int8("configSource") == 1 }
        return Dictionary(
            uniqueKeysWithValues: own.map { ($0.string("name"), $0.string("value")) }
        )
    }

    /// Changes settings; the operations are 0 set, 1 delete, 2 append, 3 subtract.
    func alter(
        _ changes: [(name: String, operation: Int64, value: String?)],
        of name: String = "t",
        type: Int64 = 2,
        validateOnly: Bool = false
    ) throws -> Fields {
        let configs = changes.map { change -> WireValue in
            .structure([
                "name": .string(change.name), "configOperation": .int(change.operation),
                "value": .text(change.value),
            ])
        }
        return try request(
            .incrementalAlterConfigs,
            version: 1,
            [
                "resources": [
                    .structure([
                        "resourceType": .int(type), "resourceName": .string(name),
                        "configs": .array(configs),
                    ])
                ],
                "validateOnly": .bool(validateOnly),
            ]
        ).array("responses")[0]
    }
}

/// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs over sockets.
struct ConfigAPITests {
    @Test func `every setting is shown with type, source, meaning and what it hides`() async throws
    {
        try await withBroker {
            $0.flushIntervalMilliseconds = 50
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            #expect(try client.alter([("retention.ms", 0, "5000")]).errorCode() == .none)
            let configs = try client.describeConfigs().array("configs")
            #expect(configs.map { $0.string("name") } == TopicSetting.all.map(\.name))
            #expect(configs.allSatisfy { !$0.string("documentation").isEmpty })
            func synonyms(_ name: String) throws -> [[String]] {
                let config = try #require(configs.first { $0.string("name") == name })
                return config.array("synonyms").map { synonym in
                    [
                        synonym.string("name"), synonym.string("value"),
                        "\(synonym.int8("source"))",
                    ]
                }
            }
            #expect(
                try synonyms("retention.ms") == [
                    ["retention.ms", "5000", "1"], ["log.retention.ms", "604800000", "5"],
                ]
            )
            #expect(
                try synonyms("flush.ms") == [
                    ["log.flush.interval.ms", "50", "4"], ["log.flush.interval.ms", "1000", "5"],
                ]
            )
            let types = Dictionary(
                uniqueKeysWithValues: configs.map { ($0.string("name"), $0.int8("configType")) }
            )
            #expect(types["retention.ms"] == 5)
            #expect(types["segment.bytes"] == 3)
            #expect(types["cleanup.policy"] == 7)
            #expect(types["min.cleanable.dirty.ratio"] == 6)
            #expect(types["preallocate"] == 1)
            #expect(types["compression.type"] == 2)
            let oldest = try client.describeConfigs(keys: ["flush.ms"], version: 0)
            #expect(oldest.array("configs").map { $0.string("value") } == ["50"])
            #expect(oldest.array("configs").map { $0.bool("isDefault") } == [false])
        }
    }

    @Test func `the broker's settings are shown and cannot be changed`() async throws {
        try await withBroker {
            $0.numPartitions = 7
            $0.producerExpirationMilliseconds = 5000
        } body: { broker, settings in
            let client = try RawClient(port: broker.port)
            let configs = try client.describeConfigs("1", type: 4).array("configs")
            let values = Dictionary(
                uniqueKeysWithValues: configs.map { ($0.string("name"), $0.string("value")) }
            )
            #expect(values["num.partitions"] == "7")
            #expect(values["producer.id.expiration.ms"] == "5000")
            #expect(values["log.dirs"] == settings.dataDirectory)
            #expect(values["message.max.bytes"] == "1048588")
            #expect(values.values.filter(\.isEmpty).isEmpty)
            #expect(configs.allSatisfy { $0.bool("readOnly") })
            let sources = configs.filter { $0.int8("configSource") == 4 }
            #expect(sources.map { $0.string("name") }.contains("num.partitions"))
            #expect(!sources.map { $0.string("name") }.contains("max.connections"))
            let refused = try client.alter([("num.partitions", 0, "3")], of: "1", type: 4)
            #expect(refused.errorCode() == .invalidConfig)
            #expect(refused.string("errorMessage").contains("configuration file"))
        }
    }

    @Test func `what has no settings is refused with the reason`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            let cases: [(String, Int64, ErrorCode)] = [
                ("nowhere", 2, .unknownTopicOrPartition), ("2", 4, .invalidRequest),
                ("1", 8, .invalidRequest),
            ]
            for (name, type, code) in cases {
                let shown = try client.describeConfigs(name, type: type)
                let changed = try client.alter([("retention.ms", 0, "1")], of: name, type: type)
                for answer in [shown, changed] {
                    #expect(answer.errorCode() == code)
                    #expect(!answer.string("errorMessage").isEmpty)
                    #expect(answer.string("resourceName") == name)
                    #expect(answer.int64("resourceType") == type)
                }
            }
        }
    }

    @Test func `single settings are set, deleted, and lists grow and shrink`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            #expect(
                try client.alter([("retention.ms", 0, "1"), ("cleanup.policy", 2, "compact")])
                    .errorCode() == .none
            )
            #expect(
                try client.ownConfigs()
                    == ["retention.ms": "1", "cleanup.policy": "delete,compact"]
            )
            #expect(
                try client.alter([("retention.ms", 1, nil), ("cleanup.policy", 3, "delete")])
                    .errorCode() == .none
            )
            #expect(try client.ownConfigs() == ["cleanup.policy": "compact"])
        }
    }

    @Test func `a change that cannot be, or is only tried, changes nothing`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            let bad: [([(String, Int64, String?)], ErrorCode)] = [
                ([("flush.ms", 0, "1"), ("retention.ms", 0, "soon")], .invalidConfig),
                ([("no.such", 0, "1")], .invalidConfig), ([("no.such", 1, nil)], .invalidConfig),
                ([("min.insync.replicas", 0, "2")], .invalidConfig),
                ([("compression.type", 0, "zstd")], .invalidConfig),
                ([("retention.ms", 2, "1")], .invalidConfig),
                ([("retention.ms", 0, nil)], .invalidRequest),
                ([("retention.ms", 9, "1")], .invalidRequest),
                ([("retention.ms", 0, "1"), ("retention.ms", 0, "2")], .invalidRequest),
            ]
            for validateOnly in [true, false] {
                for (changes, code) in bad {
                    let answer = try client.alter(changes, validateOnly: validateOnly)
                    #expect(answer.errorCode() == code)
                    #expect(!answer.string("errorMessage").isEmpty)
                }
            }
            let trial = try client.alter([("retention.ms", 0, "1")], validateOnly: true)
            #expect(trial.errorCode() == .none)
            #expect(trial.optionalString("errorMessage") == nil)
            #expect(try client.ownConfigs().isEmpty)
        }
    }

    @Test func `AlterConfigs replaces everything`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            _ = try client.alter([("retention.ms", 0, "1"), ("flush.ms", 0, "9")])
            func replace(_ value: String) throws -> Fields {
                try client.request(
                    .alterConfigs,
                    version: 0,
                    [
                        "resources": [
                            .structure([
                                "resourceType": 2, "resourceName": "t",
                                "configs": [
                                    .structure(["name": "retention.ms", "value": .string(value)])
                                ],
                            ])
                        ]
                    ]
                ).array("responses")[0]
            }
            #expect(try replace("never").errorCode() == .invalidConfig)
            #expect(try client.ownConfigs() == ["retention.ms": "1", "flush.ms": "9"])
            #expect(try replace("2").errorCode() == .none)
            #expect(try client.ownConfigs() == ["retention.ms": "2"])
        }
    }

    @Test func `open logs follow a change at once`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            #expect(try client.alter([("max.message.bytes", 0, "100")]).errorCode() == .none)
            let long = String(repeating: "x", count: 200)
            #expect(try client.produce([long]).errorCode() == .messageTooLarge)
            _ = try client.alter([("max.message.bytes", 1, nil)])
            #expect(try client.produce([long]).errorCode() == .none)
            _ = try client.alter([("cleanup.policy", 0, "compact")])
            // Records without a key.
            #expect(try client.produce(["x"]).errorCode() == .invalidRecord)
        }
    }

    @Test func `a shorter retention removes records at the next look`() async throws {
        try await withBroker {
            $0.retentionCheckMilliseconds = 20
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            // The records' times are those of 1970.
            try client.createTopic(configs: ["retention.ms": "-1"])
            for _ in 0..<3 { #expect(try client.produce(["x"]).errorCode() == .none) }
            #expect(try client.startOffset() == 0)
            _ = try client.alter([("retention.ms", 0, "1000")])
            let deadline = ContinuousClock.now + .seconds(120)
            while try client.startOffset() < 3, ContinuousClock.now < deadline {}
            #expect(try client.startOffset() == 3)
        }
    }
}

extension RawClient {
    /// The first offset of partition 0 of `t`.
    func startOffset() throws -> Int64 {
        try request(
            .listOffsets,
            version: 5,
            [
                "topics": [
                    .structure([
                        "name": "t",
                        "partitions": [.structure(["partitionIndex": 0, "timestamp": -2])],
                    ])
                ]
            ]
        ).array("topics")[0].array("partitions")[0].int64("offset")
    }
}
