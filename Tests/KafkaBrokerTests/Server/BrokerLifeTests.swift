import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// A change that makes settings wrong, and what the error must say.
struct WrongSetting: Sendable, CustomTestStringConvertible {
    var text: String
    var change: @Sendable (inout BrokerSettings) -> Void

    init(_ text: String, _ change: @escaping @Sendable (inout BrokerSettings) -> Void) {
        self.text = text
        self.change = change
    }

    var testDescription: String { text }
}

/// Starting and stopping the broker, and topics across restarts.
struct BrokerLifeTests {
    @Test func `a taken port is reported as such`() async throws {
        try await withBroker { broker, _ in
            let other = temporaryDirectory()
            defer { try? FileManager.default.removeItem(at: other) }
            var settings = BrokerSettings(dataDirectory: other.path)
            settings.port = broker.port
            await #expect {
                _ = try await Broker.start(settings, logger: quietLogger)
            } throws: { ($0 as? BrokerError)?.kind == .portTaken }
        }
    }

    @Test func `a data directory serves one broker at a time`() async throws {
        try await withBroker { broker, settings in
            await #expect {
                _ = try await Broker.start(settings, logger: quietLogger)
            } throws: { ($0 as? BrokerError)?.kind == .locked }
        }
    }

    @Test func `a data directory of a newer format is left alone`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data("99\n".utf8).write(to: directory.appendingPathComponent("format"))
        var settings = BrokerSettings(dataDirectory: directory.path)
        settings.port = 0
        await #expect {
            _ = try await Broker.start(settings, logger: quietLogger)
        } throws: { ($0 as? BrokerError)?.kind == .newerFormat }
    }

    @Test func `a data directory that cannot be made is reported`() async throws {
        var settings = BrokerSettings(dataDirectory: "/dev/null/broker")
        settings.port = 0
        await #expect {
            _ = try await Broker.start(settings, logger: quietLogger)
        } throws: { ($0 as? BrokerError)?.kind == .dataDirectory }
    }

    @Test(arguments: [
        WrongSetting("broker.data is empty") { $0.dataDirectory = "" },
        WrongSetting("broker.port = 70000: use 0 to 65535") { $0.port = 70000 },
        WrongSetting("broker.maximum_connections = 0: use 1 to") { $0.maxConnections = 0 },
        WrongSetting("broker.request_memory = 10: use") { $0.requestMemoryBytes = 10 },
        WrongSetting("broker.minimum_free_space = -1: use") { $0.minimumFreeBytes = -1 },
        WrongSetting("broker.default_partitions = 0: use") { $0.numPartitions = 0 },
        WrongSetting("broker.flush_interval = 0ms: use 1ms") { $0.flushIntervalMilliseconds = 0 },
        WrongSetting("broker.retention_check_interval = 0ms") { $0.retentionCheckMilliseconds = 0 },
        WrongSetting("broker.group_initial_rebalance_delay = -1ms") {
            $0.groupInitialRebalanceDelayMilliseconds = -1
        },
        WrongSetting("broker.offsets_retention = 0ms") { $0.offsetsRetentionMilliseconds = 0 },
        WrongSetting("broker.segment_size: ") { $0.segmentBytes = -1 },
        WrongSetting("broker.maximum_batch_size: ") { $0.maxMessageBytes = -1 },
        WrongSetting("broker.host = \"0.0.0.0\"") { $0.host = "0.0.0.0" },
        WrongSetting("set broker.advertised_host to") { $0.host = "::" },
        WrongSetting("broker.advertised_host = \"0.0.0.0\"") { $0.advertisedHost = "0.0.0.0" },
        WrongSetting("broker.advertised_host = \"0:0:0:0:0:0:0:0\"") {
            $0.advertisedHost = "0:0:0:0:0:0:0:0"
        },
        WrongSetting("broker.advertised_host = \"\"") { $0.advertisedHost = "" },
        WrongSetting("broker.advertised_host = \"0\"") { $0.advertisedHost = "0" },
        WrongSetting("broker.advertised_host = \"localhost\"") { $0.advertisedHost = "localhost" },
        WrongSetting("broker.advertised_host = \"example.org:9092\"") {
            $0.advertisedHost = "example.org:9092"
        },
        WrongSetting(#"broker.advertised_host = "a\nb""#) { $0.advertisedHost = "a\nb" },
    ])
    func `a setting that cannot work is refused by the name of its key`(
        _ wrong: WrongSetting
    ) async throws {
        var settings = BrokerSettings(dataDirectory: "/nonexistent")
        wrong.change(&settings)
        let error = await #expect(throws: BrokerError.self) {
            _ = try await Broker.start(settings, logger: quietLogger)
        }
        #expect(error?.kind == .configuration)
        let text = error?.description ?? ""
        #expect(text.contains(wrong.text))
        try expectKeys(in: text)
    }

    @Test func `what the system refuses is told with the keys to change`() async throws {
        let open = #expect(throws: BrokerError.self) {
            try OpenFileLimit.check(1255, forConnections: 1000)
        }
        try expectKeys(in: open?.description ?? "")
        try await withBroker { broker, settings in
            var other = BrokerSettings(dataDirectory: temporaryDirectory().path)
            defer { try? FileManager.default.removeItem(atPath: other.dataDirectory) }
            other.port = broker.port
            let taken = await #expect(throws: BrokerError.self) {
                _ = try await Broker.start(other, logger: quietLogger)
            }
            #expect(taken?.description.contains("broker.port") == true)
            other.host = "192.0.2.1"
            let foreign = await #expect(throws: BrokerError.self) {
                _ = try await Broker.start(other, logger: quietLogger)
            }
            #expect(foreign?.description.contains("broker.host") == true)
            let locked = await #expect(throws: BrokerError.self) {
                _ = try await Broker.start(settings, logger: quietLogger)
            }
            #expect(locked?.description.contains("broker.data") == true)
            for error in [taken, foreign, locked] { try expectKeys(in: error?.description ?? "") }
        }
    }

    /// Checks that a text names keys, and only such as a user finds in the configuration file.
    private func expectKeys(in text: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../..").standardizedFileURL
        let file = try String(
            contentsOf: root.appendingPathComponent("config/freshet.yaml"),
            encoding: .utf8
        )
        let section = try #require(file.firstMatch(of: /\nbroker:\n((?: .*\n)+)/)).1
        let keys = Set(section.matches(of: /\n? {2}([a-z_]+):/).map { "broker.\($0.1)" })
        #expect(keys.count > 10)
        let named = text.matches(of: /broker\.[a-z_]+/).map { String($0.0) }
        #expect(!named.isEmpty, "\(text) names no key")
        for key in named { #expect(keys.contains(key), "\(key) is no key") }
    }

    @Test func `topics survive a restart with their ids and settings`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = BrokerSettings(dataDirectory: directory.path)
        settings.port = 0
        var id = UUID16.zero
        for run in 0..<2 {
            let broker = try await Broker.start(settings, logger: quietLogger)
            let client = try RawClient(port: broker.port)
            if run == 0 {
                let answer = try client.request(
                    .createTopics,
                    version: 7,
                    [
                        "topics": [
                            .structure([
                                "name": "events", "numPartitions": 3, "replicationFactor": -1,
                                "configs": [
                                    .structure(["name": "retention.ms", "value": "1000"])
                                ],
                            ])
                        ]
                    ]
                )
                #expect(answer.array("topics")[0].errorCode() == .none)
                id = answer.array("topics")[0].uuid("topicId")
                #expect(id != .zero)
            } else {
                let topic = try client.request(.metadata, version: 12, ["topics": nil])
                    .array("topics")[0]
                #expect(topic.string("name") == "events")
                #expect(topic.uuid("topicId") == id)
                #expect(topic.array("partitions").count == 3)
                let configs = try client.request(
                    .describeConfigs,
                    version: 4,
                    [
                        "resources": [
                            .structure([
                                "resourceType": 2, "resourceName": "events",
                                "configurationKeys": ["retention.ms"],
                            ])
                        ]
                    ]
                ).array("results")[0].array("configs")
                #expect(configs.map { $0.string("value") } == ["1000"])
                #expect(configs.map { $0.int8("configSource") } == [1])
            }
            await broker.shutdown()
        }
    }
}
