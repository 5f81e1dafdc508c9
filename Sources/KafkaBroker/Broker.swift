import Foundation
public import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A durable single-node broker that speaks Kafka's protocol, inside this process.
public final class Broker: Sendable {
    /// The port it listens on: the one asked for, or the one picked if that was 0.
    public var port: Int { server.port }
    /// What to give to a client as `bootstrap.servers`.
    public var bootstrapServers: String {
        let host = services.node.host
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private let services: Services
    private let server: Server
    private let eventLoops: MultiThreadedEventLoopGroup
    private let logger: Logger
    /// The connections of clients.
    var connections: [any Channel] { server.state.connections.all }
    /// The memory of requests under way, and of answers on their way.
    var requestMemory: RequestMemory { server.state.requests }
    var answerMemory: RequestMemory { server.state.answers }
    /// How many fetches are under way.
    var waitingFetchCount: Int { services.fetches.count }

    private let isShutDown = Mutex(false)

    /// How many threads move bytes between sockets and logs: two serve a loopback, more than four
    /// gain nothing since the disk is the limit.
    private static let eventLoopCount = min(4, max(2, System.coreCount / 2))

    /// Opens the data directory, recovers what a crash left, and begins to serve.
    ///
    /// - Parameters:
    ///   - settings: Where and how to run.
    ///   - logger: Where to report.
    /// - Returns: The running broker; call `shutdown` before you let go of it.
    /// - Throws: `BrokerError` if a setting is wrong, the port is taken, or the data directory
    ///   cannot be used.
    public static func start(
        _ settings: BrokerSettings,
        logger: Logger
    ) async throws(BrokerError) -> Broker {
        try settings.validate()
        // Recovery reads files and the bind waits: neither belongs on Swift's shared threads.
        let result = await onOwnThread(named: "broker-start") {
            Result { () throws(BrokerError) in
                try Broker(settings, logger: logger)
            }
        }
        return try result.get()
    }

    private init(_ settings: BrokerSettings, logger: Logger) throws(BrokerError) {
        self.logger = logger
        try OpenFileLimit.raise(forConnections: settings.maxConnections)
        services = try Services(settings, logger: logger)
        let state = ServerState(settings, services.router, answers: services.answers, logger)
        eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: Self.eventLoopCount)
        do throws(BrokerError) {
            server = try Server(state, group: eventLoops, logger: logger)
        } catch {
            services.releaseWaiters()
            services.close()
            try? eventLoops.syncShutdownGracefully()
            throw error
        }
        services.node.port = Int32(server.port)
        server.accept()
        if !["127.0.0.1", "::1", "localhost"].contains(settings.host) {
            logger.warning(
                "the broker has no authentication: whoever reaches this address can read and write",
                metadata: ["host": "\(settings.host)"]
            )
        }
        logger.info(
            "broker is listening",
            metadata: ["address": "\(bootstrapServers)", "data": "\(settings.dataDirectory)"]
        )
    }

    /// Stops accepting, answers what is under way, writes everything to stable storage and closes.
    ///
    /// Returns when all is done; further calls return at once.
    public func shutdown() async {
        let isFirst = isShutDown.withLock { done in
            defer { done = true }
            return !done
        }
        guard isFirst else { return }
        await Self.onOwnThread(named: "broker-shutdown") { [self] in
            server.stopAccepting()
            services.releaseWaiters()
            server.closeConnections()
            services.close()
            try? eventLoops.syncShutdownGracefully()
        }
        logger.info("broker has stopped", metadata: ["address": "\(bootstrapServers)"])
    }

    private static func onOwnThread<Value: Sendable>(
        named name: String,
        _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            OwnThread(name: name).start { continuation.resume(returning: body()) }
        }
    }
}
