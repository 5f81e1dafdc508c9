import KafkaWire
import Logging
import NIOCore

/// One client connection: cuts requests out of the bytes, and has them answered in order.
///
/// One request is carried out at a time, but several of an API that allows it (Produce: syncs of
/// earlier batches need not be waited for to append the next). While no other may begin, at most
/// one more is read ahead; then the socket is not read, which slows the client down.
///
/// All state belongs to the connection's event loop.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: ServerState
    private let clientHost: String
    private var frames: FrameAssembler
    private var underWay = RequestsUnderWay()
    /// How many writes of answers the socket has not taken in full.
    private var pendingWriteCount = 0
    /// The name that the client gives itself.
    private var clientID = ""
    /// The size for which memory is reserved for the request that is arriving.
    private var reservedSize: Int?
    private var isReadHeldBack = false
    private var isProcessing = false
    private var isClosing = false
    private var lastActivity = NIODeadline.now()
    private var frameBegan: NIODeadline?
    private var writeBegan: NIODeadline?
    private var timer: RepeatedTask?

    /// How many requests are carried out at a time, of an API that allows several.
    ///
    /// An idempotent producer sends 5 without waiting; more of others share a sync.
    static let maximumUnderWay = 16
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
        let check = later(context) { $0.checkTimeLimits($1) }
        timer = context.eventLoop.scheduleRepeatedTask(
            initialDelay: Self.checkInterval,
            delay: Self.checkInterval
        ) { _ in check() }
        context.fireChannelActive()
    }

    /// Ends the waits of requests under way, and carries out those that arrived before the client
    /// closed the connection.
    ///
    /// A client that waits for no answer (acks=0) may leave as soon as it has sent them.
    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if let reservedSize { server.requests.release(reservedSize) }
        reservedSize = nil
        for request in underWay.unanswered { server.router.clientLeft(request) }
        process(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = .now()
        do throws(BrokerError) {
            try frames.append(unwrapInboundIn(data))
        } catch {
            return close(context, reason: error.message)
        }
        process(context)
    }

    /// Holds reading back while a request that has arrived waits for those under way.
    func read(context: ChannelHandlerContext) {
        guard !isClosing, context.channel.isActive else { return }
        isReadHeldBack = !mayRead(context)
        if !isReadHeldBack { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The peer went away in the middle of something: nothing to tell anybody.
        close(context, reason: nil)
    }

    /// Closes the connection as soon as no request is under way.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ServerShutdown else { return context.fireUserInboundEventTriggered(event) }
        isClosing = true
        if isIdle { context.close(promise: nil) }
    }
}

extension ConnectionHandler {
    /// Something to be done on the connection's loop, handed to somebody who will call it there.
    private func later(
        _ context: ChannelHandlerContext,
        _ body: @escaping (ConnectionHandler, ChannelHandlerContext) -> Void
    ) -> @Sendable () -> Void {
        let bound = NIOLoopBound((self, context, body), eventLoop: context.eventLoop)
        return {
            let (handler, context, body) = bound.value
            body(handler, context)
        }
    }

    /// Whether everything that was begun is answered, and the answers are sent.
    private var isIdle: Bool { underWay.isEmpty && pendingWriteCount == 0 }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        if frames.hasFrame { return false }
        guard let size = frames.announcedSize, reservedSize == nil else { return true }
        guard server.requests.reserve(size) else {
            let retry = later(context) { if $0.isReadHeldBack { $0.read(context: $1) } }
            context.eventLoop.scheduleTask(in: Self.memoryRetry, retry)
            return false
        }
        reservedSize = size
        return true
    }

    /// Begins work on requests that have arrived, as far as they need not wait for others.
    private func process(_ context: ChannelHandlerContext) {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while mayBegin() {
            do throws(BrokerError) {
                guard let frame = try frames.next() else { break }
                begin(frame, context)
            } catch {
                return close(context, reason: error.message)
            }
        }
        frameBegan = frames.isInFrame && !frames.hasFrame ? (frameBegan ?? .now()) : nil
        if isReadHeldBack { read(context: context) }
    }

    /// Whether the next request may be begun.
    private func mayBegin() -> Bool {
        guard !isClosing, !isIdle else { return !isClosing }
        guard let last = underWay.lastKey, let next = frames.nextKey else { return false }
        // A client that does not take its answers gets no more of them.
        return pendingWriteCount == 0 && underWay.count < Self.maximumUnderWay
            && server.router.mayOverlap(last) && server.router.mayOverlap(next)
            && server.requests.available > 0
    }

    private func begin(_ frame: ByteBuffer, _ context: ChannelHandlerContext) {
        if reservedSize == nil {
            // It arrived whole with the bytes of the request before it: count it, come what may.
            server.requests.reserveRegardless(frame.readableBytes)
        }
        reservedSize = nil
        frameBegan = nil
        let loop = context.eventLoop
        do throws(WireError) {
            let request = try Request(
                frame: frame,
                clientHost: clientHost,
                connection: ObjectIdentifier(self),
                eventLoop: loop
            )
            clientID = request.clientID
            let number = underWay.add(frame, request)
            let bound = NIOLoopBound((self, context), eventLoop: loop)
            let reply = Reply { answer in
                if loop.inEventLoop {
                    bound.value.0.deliver(answer, to: number, bound.value.1)
                } else {
                    loop.execute { bound.value.0.deliver(answer, to: number, bound.value.1) }
                }
            }
            server.router.route(request) { reply.give($0) }
            if !context.channel.isActive { server.router.clientLeft(request) }
        } catch {
            let number = underWay.add(frame, nil)
            deliver(.close(reason: error.message), to: number, context)
        }
    }

    /// Takes an answer, and sends all whose turn has come.
    private func deliver(_ answer: Answer, to number: Int, _ context: ChannelHandlerContext) {
        underWay.answer(number, answer)
        var answers: [ByteBuffer] = []
        while let (frame, answer) = underWay.takeAnswered() {
            forget(frame)
            switch answer {
            case .nothing: break
            case .buffers(let buffers): answers += buffers
            case .close(let reason):
                write(answers, context)
                return close(context, reason: reason)
            case .failed(let reason, let answer):
                server.failures.note(metadata(reason), on: context.eventLoop)
                guard let answer else {
                    write(answers, context)
                    return close(context, reason: nil)
                }
                answers.append(answer)
            }
        }
        write(answers, context)
        goOn(context)
    }

    private func write(_ buffers: [ByteBuffer], _ context: ChannelHandlerContext) {
        guard context.channel.isActive, let last = buffers.last else { return }
        writeBegan = writeBegan ?? .now()
        pendingWriteCount += 1
        let size = buffers.reduce(0) { $0 + $1.readableBytes }
        server.answers.reserveRegardless(size)
        for buffer in buffers.dropLast() {
            context.write(wrapOutboundOut(buffer), promise: nil)
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        let done = later(context) { handler, context in
            handler.server.answers.release(size)
            handler.pendingWriteCount -= 1
            handler.writeBegan = handler.pendingWriteCount == 0 ? nil : .now()
            handler.goOn(context)
        }
        promise.futureResult.whenComplete { _ in done() }
        context.writeAndFlush(wrapOutboundOut(last), promise: promise)
    }

    /// Something is done: goes on with the next request.
    private func goOn(_ context: ChannelHandlerContext) {
        lastActivity = .now()
        if !isClosing {
            process(context)
        } else if isIdle {
            context.close(promise: nil)
        }
    }

    private func forget(_ frame: ByteBuffer) {
        server.requests.release(frame.readableBytes)
        server.buffers.give(frame)
    }

    private func close(_ context: ChannelHandlerContext, reason: String?) {
        if let reason { server.closings.note(metadata(reason), on: context.eventLoop) }
        isClosing = true
        for request in underWay.unanswered { server.router.clientLeft(request) }
        for frame in underWay.removeAll() { forget(frame) }
        context.close(promise: nil)
    }

    /// Who the client is, and what happened; it has a say in both.
    private func metadata(_ reason: String) -> Logger.Metadata {
        [
            "client": "\(clientHost) \(clientID.prefix(100).escapingControlCharacters)",
            "reason": "\(reason.prefix(300).escapingControlCharacters)",
        ]
    }

    private func checkTimeLimits(_ context: ChannelHandlerContext) {
        let settings = server.settings
        // A request that waits for memory is late through no fault of the client.
        if isReadHeldBack && frameBegan != nil { frameBegan = .now() }
        if isOver(frameBegan, settings.requestArrivalMilliseconds) {
            close(context, reason: "a request did not arrive in full in time")
        } else if isOver(writeBegan, settings.answerAcceptanceMilliseconds) {
            close(context, reason: "the client does not accept its answer")
        } else if isIdle, isOver(lastActivity, settings.connectionsMaxIdleMilliseconds) {
            close(context, reason: nil)
        }
    }

    private func isOver(_ begin: NIODeadline?, _ milliseconds: Int) -> Bool {
        begin.map { NIODeadline.now() - $0 > .milliseconds(Int64(milliseconds)) } ?? false
    }
}
