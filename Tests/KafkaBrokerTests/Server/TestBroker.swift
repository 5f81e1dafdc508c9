import Foundation
import Logging

@testable import KafkaBroker

/// Runs a broker on a free port with a directory of its own, and removes both afterwards.
func withBroker(
    logger: Logger = quietLogger,
    _ change: (inout BrokerSettings) -> Void = { _ in },
    body: (Broker, BrokerSettings) async throws -> Void
) async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    var settings = BrokerSettings(dataDirectory: directory.path)
    settings.port = 0
    change(&settings)
    let broker = try await Broker.start(settings, logger: logger)
    do {
        try await body(broker, settings)
    } catch {
        await broker.shutdown()
        throw error
    }
    await broker.shutdown()
}

func temporaryDirectory() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("broker-\(UUID().uuidString)")
}

var quietLogger: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}
