import KafkaWire
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// What all connections share.
final class ServerState: Sendable {
    let settings: BrokerSettings
    let router: RequestRouter
    /// The memory of requests under way.
    let requests: RequestMemory
    /// The memory of answers on their way.
    let answers: RequestMemory
    let buffers = FrameBuffers()
    let connections: ConnectionSet
    let refusals: LimitedLog
    let closings: LimitedLog
    let failures: LimitedLog

    init(
        _ settings: BrokerSettings,
        _ router: RequestRouter,
        answers: RequestMemory,
        _ logger: Logger
    ) {
        self.settings = settings
        self.router = router
        self.answers = answers
        requests = RequestMemory(limit: settings.requestMemoryBytes)
        connections = ConnectionSet(limit: settings.maxConnections)
        refusals = LimitedLog(logger, .warning, "refusing connections")
        closings = LimitedLog(logger, .info, "closing a connection")
        failures = LimitedLog(logger, .error, "a request could not be answered")
    }
}

/// Tells a connection to close once it has answered the request under way.
struct ServerShutdown: Sendable {}

/// The open connections, at most so many.
final class ConnectionSet: Sendable {
    private let state: Mutex<State>

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var limit: Int
    }

    init(limit: Int) { state = Mutex(State(limit: limit)) }

    /// All connections at this moment.
    var all: [any Channel] { state.withLock { Array($0.channels.values) } }

    /// Takes a connection until it closes; false if there are too many.
    func add(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let isAdded = state.withLock { state in
            guard state.channels.count < state.limit else { return false }
            state.channels[id] = channel
            return true
        }
        if isAdded {
            channel.closeFuture.whenComplete { [self] _ in
                state.withLock { _ = $0.channels.removeValue(forKey: id) }
            }
        }
        return isAdded
    }

    /// Takes no connection any more.
    func close() { state.withLock { $0.limit = 0 } }
}

/// The sockets that listen, and their connections.
final class Server: Sendable {
    /// The port that was asked for, or picked if 0 was.
    let port: Int
    let state: ServerState
    private let group: any EventLoopGroup
    private let listeners: [any Channel]

    /// How long `closeConnections` waits for the requests under way.
    private static let drainTime = TimeAmount.seconds(5)

    /// Binds the sockets, which accept nothing before `accept` is called; blocks.
    init(
        _ state: ServerState,
        group: any EventLoopGroup,
        logger: Logger
    ) throws(BrokerError) {
        self.state = state
        self.group = group
        let bootstrap = Self.bootstrap(state, group)
        let settings = state.settings
        do {
            let first = try bootstrap.bind(host: settings.host, port: settings.port).wait()
            port = first.localAddress?.port ?? settings.port
            var listeners = [first]
            // Clients that are told "localhost" try either address first.
            if settings.host == "127.0.0.1" {
                do {
                    listeners.append(try bootstrap.bind(host: "::1", port: port).wait())
                } catch let error as IOError where error.errnoCode == EADDRINUSE {
                    logger.warning(
                        "another process listens on ::1: let clients use 127.0.0.1",
                        metadata: ["port": "\(port)"]
                    )
                } catch {}  // A machine without IPv6.
            }
            self.listeners = listeners
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw BrokerError(
                .portTaken,
                "port \(settings.port) of \(settings.host) is in use",
                remedy: "stop the other process or set broker.port to another one"
            )
        } catch {
            throw BrokerError(
                .configuration,
                "cannot listen on \(settings.host):\(settings.port): \(error)",
                remedy:
                    "set broker.host to an address of this machine and broker.port to a port that "
                    + "you may use"
            )
        }
    }

    /// Begins to accept connections.
    func accept() {
        for listener in listeners {
            _ = listener.setOption(.autoRead, value: true).map { listener.read() }
        }
    }

    /// Closes the sockets that listen, and lets every connection that they have accepted become
    /// one of ours or close; blocks.
    func stopAccepting() {
        state.connections.close()
        for listener in listeners { try? listener.close().wait() }
        // A new connection is set up on its own loop, and then goes on on the listener's. A loop
        // that ended before would leave SwiftNIO with a promise that nobody keeps: it traps.
        for _ in 0..<2 {
            for loop in group.makeIterator() { try? loop.submit {}.wait() }
        }
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
                let host = channel.remoteAddress?.ipAddress ?? ""
                guard state.connections.add(channel) else {
                    let limit = state.settings.maxConnections
                    state.refusals.note(
                        ["client": "\(host)", "broker.maximum_connections": "\(limit)"],
                        on: channel.eventLoop
                    )
                    return channel.close()
                }
                return channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(server: state, clientHost: host)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }
}
