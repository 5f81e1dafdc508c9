import Foundation
import FuzzCases
import KafkaBroker
import Logging

/// Sends requests to a broker in this process, and looks whether it answers still and does not grow.
func fuzzBroker(frames: Int, seed: UInt64) async throws {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("freshet-fuzz-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    var settings = BrokerSettings(dataDirectory: directory.path)
    settings.port = 0
    var logger = Logger(label: "freshet-fuzz")
    logger.logLevel = .error
    let broker = try await Broker.start(settings, logger: logger)
    var traffic = BrokerTraffic(port: broker.port, seed: seed)
    // The first quarter fills caches, pools and the few topics and groups that the requests name.
    let warmUp = frames / 4
    try traffic.send(warmUp)
    let before = residentByteCount()
    try traffic.send(frames - warmUp)
    let growth = residentByteCount() - before
    print("\(frames) requests of seed \(seed): \(traffic.answered) answered,", terminator: " ")
    print(
        "\(traffic.closed) closed, \(traffic.waited) left waiting; memory grew by \(growth) bytes"
    )
    await broker.shutdown()
    if growth > 32 << 20 { fail("the broker grows: \(before) bytes after \(warmUp) requests") }
}

/// The memory of this process that is in use, as the system counts it; 0 where it does not tell.
private func residentByteCount() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}
