import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

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

    @Test func `settings that cannot work are refused`() async throws {
        for change: (inout BrokerSettings) -> Void in [
            { $0.dataDirectory = "" }, { $0.port = 70000 }, { $0.advertisedHost = "0.0.0.0" },
            { $0.maxConnections = 0 }, { $0.requestMemoryBytes = 10 }, { $0.numPartitions = 0 },
            { $0.segmentBytes = -1 }, { $0.host = "0.0.0.0" }, { $0.host = "::" },
            { $0.advertisedHost = "0:0:0:0:0:0:0:0" }, { $0.advertisedHost = "" },
            { $0.advertisedHost = "0" }, { $0.advertisedHost = "localhost" },
            { $0.advertisedHost = "example.org:9092" }, { $0.advertisedHost = "a\nb" },
        ] {
            var settings = BrokerSettings(dataDirectory: "/nonexistent")
            change(&settings)
            await #expect {
                _ = try await Broker.start(settings, logger: quietLogger)
            } throws: { ($0 as? BrokerError)?.kind == .configuration }
        }
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
