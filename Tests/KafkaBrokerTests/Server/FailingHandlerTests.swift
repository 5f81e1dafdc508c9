import KafkaWire
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import KafkaBroker

/// A connection without sockets to handlers, and the memory that it counts.
func connection(
    to handlers: [any RequestHandler],
    requestMemoryBytes: Int = 256 << 20,
    log: LogRecorder = LogRecorder()
) throws -> (channel: EmbeddedChannel, memory: RequestMemory) {
    var settings = BrokerSettings(dataDirectory: "none")
    settings.requestMemoryBytes = requestMemoryBytes
    let state = ServerState(
        settings,
        RequestRouter(handlers),
        answers: RequestMemory(limit: 1 << 20),
        log.logger
    )
    let handler = ConnectionHandler(server: state, clientHost: "192.0.2.1")
    let channel = EmbeddedChannel(handler: handler)
    try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    return (channel, state.requests)
}

/// Mistakes in the code that answers: the client learns of them, and nobody else.
struct FailingHandlerTests {
    /// Answers requests by one function.
    private func channel(
        log: LogRecorder,
        _ key: APIKey,
        _ body: @escaping SchemaHandler.Body
    ) throws -> EmbeddedChannel {
        try connection(to: [SchemaHandler(key, body)], log: log).channel
    }

    private func send(
        _ key: APIKey,
        _ version: Int16,
        correlationID: Int32,
        clientID: String = "c",
        to channel: EmbeddedChannel
    ) throws {
        let header = RequestHeader(
            key: key,
            version: version,
            correlationID: correlationID,
            clientID: clientID
        )
        let frame = try MessageCodec.encodeRequestFrame(header, Fields())
        try channel.writeInbound(ByteBuffer(bytes: frame))
    }

    @Test func `an answer that cannot be written is answered with an unknown error`() throws {
        let log = LogRecorder()
        let channel = try channel(log: log, .heartbeat) { _, _, answer in
            answer(["there is no such field": 1])
        }
        for correlationID: Int32 in 1...2 {
            try send(.heartbeat, 4, correlationID: correlationID, to: channel)
            let answer = try #require(try channel.readOutbound(as: ByteBuffer.self))
            let header = RequestHeader(
                key: .heartbeat,
                version: 4,
                correlationID: correlationID,
                clientID: nil
            )
            let bytes = Array(answer.readableBytesView.dropFirst(4))
            let fields = try MessageCodec.decodeResponseFrame(bytes, to: header)
            #expect(fields.errorCode() == .unknownServerError)
        }
        #expect(channel.isActive)
        #expect(log.lines.count == 1)
        #expect(log.lines[0].hasPrefix("a request could not be answered"))
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `without a place for the error the connection is closed`() throws {
        let log = LogRecorder()
        let channel = try channel(log: log, .listOffsets) { _, _, answer in
            answer(["there is no such field": 1])
        }
        try send(.listOffsets, 5, correlationID: 1, to: channel)
        #expect(!channel.isActive)
        #expect(log.lines.count == 1)
    }

    @Test func `a request that nobody answers closes its connection`() throws {
        let log = LogRecorder()
        let channel = try channel(log: log, .heartbeat) { _, _, _ in }
        try send(.heartbeat, 4, correlationID: 1, to: channel)
        #expect(!channel.isActive)
        #expect(
            log.lines == [
                "a request could not be answered client=192.0.2.1 c reason=nobody answered"
            ]
        )
    }

    @Test func `only the first of two answers is sent`() throws {
        let log = LogRecorder()
        let channel = try channel(log: log, .heartbeat) { _, _, answer in
            answer(["errorCode": 27])
            answer(["errorCode": 0])
        }
        try send(.heartbeat, 4, correlationID: 1, to: channel)
        #expect(try channel.readOutbound(as: ByteBuffer.self) != nil)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `what clients say of themselves cannot forge lines of the log`() throws {
        let log = LogRecorder()
        let channel = try channel(log: log, .heartbeat) { _, _, answer in answer([:]) }
        // A version that is known, of an API that nobody answers here.
        try send(.metadata, 1, correlationID: 1, clientID: "a\nb\u{1B}[2J", to: channel)
        #expect(!channel.isActive)
        #expect(
            log.lines == [
                #"closing a connection client=192.0.2.1 a\nb\u{1B}[2J "#
                    + "reason=API key 3 version 1 is not supported"
            ]
        )
    }
}
