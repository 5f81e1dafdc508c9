import Foundation
import KafkaBroker
import KafkaClient
import Logging
import Streaming

/// An embedded broker in this process, in a folder of its own.
///
/// Owned by one test.
final class BrokerScene {
    let directory = NSTemporaryDirectory() + "integration-" + UUID().uuidString
    private var broker: Broker?
    private var port = 0

    /// Starts the broker; once it ran before, at the same port and on the same data.
    func start() async throws {
        var settings = BrokerSettings(dataDirectory: directory)
        settings.port = port
        var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        let broker = try await Broker.start(settings, logger: logger)
        port = broker.port
        self.broker = broker
    }

    func stop() async {
        await broker?.shutdown()
        broker = nil
    }

    func remove() async {
        await stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    var settings: KafkaSettings { KafkaSettings(bootstrapServers: "127.0.0.1:\(port)") }

    func createTopic(_ name: String, partitions: Int) throws {
        let results = try KafkaAdmin(settings).createTopics(
            [NewTopic(name: name, partitionCount: partitions)],
            timeout: .seconds(60)
        )
        for result in results {
            if let error = result.error { throw error }
        }
    }
}

/// Runs a test with a broker and removes it afterwards, whatever happens.
func withBroker(_ body: (BrokerScene) async throws -> Void) async throws {
    let scene = BrokerScene()
    do {
        try await scene.start()
        try await body(scene)
    } catch {
        await scene.remove()
        throw error
    }
    await scene.remove()
}

/// What a test keeps of a record.
struct Received: Equatable {
    var partition: Int32
    var offset: Offset
    var timestamp: Int64
    var key: String?
    var value: String?
    var headers: [RecordHeader]
}

/// Polls until `count` records have come; throws when they do not within two minutes.
func receive(_ count: Int, from source: any RecordSource) throws -> [Received] {
    var received: [Received] = []
    let deadline = ContinuousClock.now + .seconds(120)
    while received.count < count {
        guard ContinuousClock.now < deadline else { throw Missing(received: received.count) }
        let batch = try source.poll(maximumCount: 1000, timeout: .milliseconds(100))
        for (index, record) in batch.records.enumerated() {
            received.append(
                Received(
                    partition: record.partition,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.map { String(decoding: $0, as: UTF8.self) },
                    value: record.value.map { String(decoding: $0, as: UTF8.self) },
                    headers: batch.headers(at: index)
                )
            )
        }
    }
    return received
}

struct Missing: Error {
    let received: Int
}
