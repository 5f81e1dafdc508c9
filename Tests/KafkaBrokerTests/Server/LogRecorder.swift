import Logging
import Synchronization

/// Keeps what is logged, for tests that look at it.
final class LogRecorder: Sendable {
    private let kept = Mutex<[String]>([])

    /// What was logged so far, a line each: message, then metadata in the order of their names.
    var lines: [String] { kept.withLock { $0 } }

    private let level: Logger.Level

    /// Keeps what is at least so important.
    init(_ level: Logger.Level = .info) { self.level = level }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(recorder: self, logLevel: self.level) }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel: Logger.Level
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).sorted { $0.key < $1.key }
            let line = ["\(event.message)"] + metadata.map { "\($0.key)=\($0.value)" }
            recorder.kept.withLock { $0.append(line.joined(separator: " ")) }
        }
    }
}

/// Waits for a condition; false if it does not come true within two minutes.
func becomesTrue(_ condition: () throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(120)
    while try !condition() {
        guard ContinuousClock.now < deadline else { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}
