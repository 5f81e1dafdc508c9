import Logging
import NIOCore
import Synchronization

/// Reports one kind of event that clients can cause at will: one at once, and those that follow at
/// most once a second, with their number.
final class LimitedLog: Sendable {
    private let logger: Logger
    private let level: Logger.Level
    private let message: Logger.Message
    /// How many events followed the last report; nil if that was more than a second ago.
    private let unreported = Mutex<Int?>(nil)

    init(_ logger: Logger, _ level: Logger.Level, _ message: Logger.Message) {
        self.logger = logger
        self.level = level
        self.message = message
    }

    /// Reports an event or counts it; the loop is asked to report the number later.
    func note(_ metadata: Logger.Metadata, on loop: any EventLoop) {
        let isFirst = unreported.withLock { count in
            defer { count = count.map { $0 + 1 } ?? 0 }
            return count == nil
        }
        guard isFirst else { return }
        logger.log(level: level, message, metadata: metadata)
        reportLater(on: loop)
    }

    private func reportLater(on loop: any EventLoop) {
        loop.scheduleTask(in: .seconds(1)) { [self] in
            let count = unreported.withLock { count in
                defer { count = count == 0 ? nil : 0 }
                return count ?? 0
            }
            guard count > 0 else { return }
            logger.log(level: level, message, metadata: ["count": "\(count)"])
            reportLater(on: loop)
        }
    }
}
