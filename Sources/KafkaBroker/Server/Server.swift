import KafkaWire
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// What all connections share.
final class ServerState: Sendable {
    let settings: BrokerSettings
    let router: RequestRouter
    let memory: RequestMemory
    let buffers = FrameBuffers()
    let connections: ConnectionSet
    let logger: Logger

    init(settings: BrokerSettings, router: RequestRouter, logger: Logger) {
        self.settings = settings
        self.router = router
        self.logger = logger
        memory = RequestMemory(limit: settings.requestMemoryBytes)
        connections = ConnectionSet(limit: settings.maxConnections)
    }
}

/// Tells a connection to close once it has answered the request under way.
struct ServerShutdown: Sendable {}

/// The open connections, at most so many.
final class ConnectionSet: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// All connections at this moment.
    var all: [any Channel] { channels.withLock { Array($0.values) } }

    /// Takes a connection until it closes; false if there are too many.
    func add(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let isAdded = channels.withLock { channels in
            guard channels.count < limit else { return false }
            channels[id] = channel
            return true
        }
        if isAdded {
            channel.closeFuture.whenComplete { [self] _ in
                channels.withLock { _ = $0.removeValue(forKey: id) }
            }
        }
        return isAdded
    }
}

/// The sockets that listen, and their connections.
final class Server: Sendable {
    /// The port that was asked for, or picked if 0 was.
    let port: Int
    private let state: ServerState
    private let listeners: [any Channel]

    /// How long `closeConnections` waits for the requests under way.
    private static let drainTime = TimeAmount.seconds(5)

    private init(state: ServerState, listeners: [any Channel], port: Int) {
        self.state = state
        self.listeners = listeners
        self.port = port
    }

    /// Binds the sockets, which accept nothing before `accept` is called; blocks.
    static func bind(
        _ state: ServerState,
        group: any EventLoopGroup
    ) throws(BrokerError) -> Server {
        let settings = state.settings
        let bootstrap = bootstrap(state, group)
        do {
            let first = try bootstrap.bind(host: settings.host, port: settings.port).wait()
            let port = first.localAddress?.port ?? settings.port
            var listeners = [first]
            if settings.host == "127.0.0.1" {
                // Machines without IPv6, or with the port taken there, do without.
                let second = try? bootstrap.bind(host: "::1", port: port).wait()
                listeners += second.map { [$0] } ?? []
            }
            return Server(state: state, listeners: listeners, port: port)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw BrokerError(
                .portTaken,
                "port \(settings.port) of \(settings.host) is in use",
                remedy: "stop the other process or set another port"
            )
        } catch {
            throw BrokerError(
                .configuration,
                "cannot listen on \(settings.host):\(settings.port): \(error)",
                remedy: "set host to an address of this machine and port to one you may use"
            )
        }
    }

    /// How many connections are open.
    var connectionCount: Int { state.connections.all.count }

    /// Begins to accept connections.
    func accept() {
        for listener in listeners {
            _ = listener.setOption(.autoRead, value: true).map { listener.read() }
        }
    }

    /// Closes the sockets that listen; blocks.
    func stopAccepting() {
        for listener in listeners { try? listener.close().wait() }
    }

    /// Lets the requests under way be answered and closes the connections; blocks.
    func closeConnections() {
        let channels = state.connections.all
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(ServerShutdown())
        }
        let deadline = NIODeadline.now() + Self.drainTime
        for channel in channels {
            let timer = channel.eventLoop.scheduleTask(deadline: deadline) {
                channel.close(promise: nil)
            }
            try? channel.closeFuture.wait()
            timer.cancel()
        }
    }

    private static func bootstrap(
        _ state: ServerState,
        _ group: any EventLoopGroup
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in
                guard state.connections.add(channel) else {
                    state.logger.warning(
                        "refusing a connection",
                        metadata: ["maxConnections": "\(state.settings.maxConnections)"]
                    )
                    return channel.close()
                }
                return channel.eventLoop.makeCompletedFuture {
                    let host = channel.remoteAddress?.ipAddress ?? ""
                    let handler = ConnectionHandler(server: state, clientHost: host)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }
}
