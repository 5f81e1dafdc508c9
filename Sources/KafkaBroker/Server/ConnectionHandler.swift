import KafkaWire
import Logging
import NIOCore

/// One client connection: cuts requests out of the bytes, has one at a time answered, in order.
///
/// All state belongs to the connection's event loop. While a request is under way at most one
/// more is read ahead; then the socket is not read, which slows the client down.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: ServerState
    private let clientHost: String
    private var frames: FrameAssembler
    /// The request under way; nil if there is none.
    private var request: ByteBuffer?
    /// The size for which memory is reserved for the request that is arriving.
    private var reservedSize: Int?
    private var isReadHeldBack = false
    private var isProcessing = false
    private var isClosing = false
    private var lastActivity = NIODeadline.now()
    private var frameBegan: NIODeadline?
    private var writeBegan: NIODeadline?
    private var timer: RepeatedTask?

    /// How often the time limits are checked.
    private static let checkInterval = TimeAmount.seconds(1)
    /// How long to wait before asking for memory again.
    private static let memoryRetry = TimeAmount.milliseconds(10)

    init(server: ServerState, clientHost: String) {
        self.server = server
        self.clientHost = clientHost
        frames = FrameAssembler(
            maximumSize: server.settings.socketRequestMaxBytes,
            buffers: server.buffers
        )
    }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(
            initialDelay: Self.checkInterval,
            delay: Self.checkInterval
        ) { _ in
            let (handler, context) = bound.value
            handler.checkTimeLimits(context)
        }
        context.fireChannelActive()
    }

    /// Carries out the requests that arrived before the client closed the connection.
    ///
    /// A client that waits for no answer (acks=0) may leave as soon as it has sent them.
    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if let reservedSize { server.memory.release(reservedSize) }
        reservedSize = nil
        process(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = .now()
        do {
            try frames.append(unwrapInboundIn(data))
        } catch {
            return close(context, reason: error.description)
        }
        process(context)
    }

    /// Holds reading back while a request that has arrived waits for the one under way.
    func read(context: ChannelHandlerContext) {
        guard !isClosing, context.channel.isActive else { return }
        if mayRead(context) {
            isReadHeldBack = false
            context.read()
        } else {
            isReadHeldBack = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The peer went away in the middle of something: nothing to tell anybody.
        close(context, reason: nil)
    }

    /// Closes the connection as soon as no request is under way.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ServerShutdown {
            isClosing = true
            if request == nil { context.close(promise: nil) }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

extension ConnectionHandler {
    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        if request != nil && frames.hasFrame { return false }
        guard let size = frames.announcedSize, reservedSize == nil else { return true }
        guard server.memory.reserve(size) else {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: Self.memoryRetry) {
                let (handler, context) = bound.value
                if handler.isReadHeldBack { handler.read(context: context) }
            }
            return false
        }
        reservedSize = size
        return true
    }

    /// Begins work on requests that have arrived, as long as none is under way.
    private func process(_ context: ChannelHandlerContext) {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while request == nil && !isClosing {
            do {
                guard let frame = try frames.next() else { break }
                begin(frame, context)
            } catch {
                return close(context, reason: error.description)
            }
        }
        frameBegan = frames.isInFrame && !frames.hasFrame ? (frameBegan ?? .now()) : nil
        if isReadHeldBack { read(context: context) }
    }

    private func begin(_ frame: ByteBuffer, _ context: ChannelHandlerContext) {
        let size = frame.readableBytes
        if reservedSize == nil && size > RequestMemory.freeSize {
            // It arrived whole with the bytes of the request before it: count it, come what may.
            server.memory.reserveRegardless(size)
        }
        reservedSize = nil
        request = frame
        frameBegan = nil
        let parsed: Request
        do {
            parsed = try Request(
                frame: frame,
                clientHost: clientHost,
                eventLoop: context.eventLoop
            )
        } catch {
            return close(context, reason: error.description)
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        server.router.route(parsed) { answer in
            if loop.inEventLoop {
                let (handler, context) = bound.value
                handler.deliver(answer, context)
            } else {
                loop.execute {
                    let (handler, context) = bound.value
                    handler.deliver(answer, context)
                }
            }
        }
    }

    private func deliver(_ answer: Answer, _ context: ChannelHandlerContext) {
        guard request != nil else { return }
        switch answer {
        case .nothing: finish(context)
        case .close(let reason): close(context, reason: reason)
        case .buffers(let buffers): write(buffers, context)
        }
    }

    private func write(_ buffers: [ByteBuffer], _ context: ChannelHandlerContext) {
        guard context.channel.isActive, let last = buffers.last else { return finish(context) }
        writeBegan = .now()
        for buffer in buffers.dropLast() {
            context.write(wrapOutboundOut(buffer), promise: nil)
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.writeBegan = nil
            handler.finish(context)
        }
        context.writeAndFlush(wrapOutboundOut(last), promise: promise)
    }

    /// The request under way is done: go on with the next.
    private func finish(_ context: ChannelHandlerContext) {
        forgetRequest()
        lastActivity = .now()
        if isClosing {
            context.close(promise: nil)
        } else {
            process(context)
        }
    }

    private func forgetRequest() {
        guard let request else { return }
        server.memory.release(request.readableBytes)
        server.buffers.give(request)
        self.request = nil
    }

    private func close(_ context: ChannelHandlerContext, reason: String?) {
        if let reason {
            server.logger.info(
                "closing a connection",
                metadata: ["client": "\(clientHost)", "reason": "\(reason.escapingControls)"]
            )
        }
        isClosing = true
        forgetRequest()
        context.close(promise: nil)
    }

    private func checkTimeLimits(_ context: ChannelHandlerContext) {
        let settings = server.settings
        // A request that waits for memory is late through no fault of the client.
        if isReadHeldBack && frameBegan != nil { frameBegan = .now() }
        if let began = frameBegan, isOver(began, settings.requestArrivalMilliseconds) {
            close(context, reason: "a request did not arrive in full in time")
        } else if let began = writeBegan, isOver(began, settings.answerAcceptanceMilliseconds) {
            close(context, reason: "the client does not accept its answer")
        } else if request == nil,
            isOver(lastActivity, settings.connectionsMaxIdleMilliseconds)
        {
            close(context, reason: nil)
        }
    }

    private func isOver(_ begin: NIODeadline, _ milliseconds: Int) -> Bool {
        NIODeadline.now() - begin > .milliseconds(Int64(milliseconds))
    }
}

extension String {
    /// The text with control characters made visible, at most 200 characters of it.
    var escapingControls: String {
        String(
            unicodeScalars.prefix(200).map { scalar in
                scalar.value < 0x20 || scalar.value == 0x7F ? "?" : Character(scalar)
            }
        )
    }
}
