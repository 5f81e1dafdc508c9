import KafkaWire

/// Something that answers the requests of one API.
protocol RequestHandler: Sendable {
    /// The API that it answers.
    var key: APIKey { get }

    /// Whether a connection may begin a request of this API while earlier ones of such APIs have
    /// no answer yet; the order in which they take effect must be that of the calls of `handle`.
    var mayOverlap: Bool { get }

    /// Begins the work on a request.
    ///
    /// It is called on the connection's event loop and must not block it; it calls `answer`
    /// exactly once, from any thread.
    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void)

    /// The client of a request under way has left: a wait may end.
    func clientLeft(_ request: Request)
}

extension RequestHandler {
    /// Most requests may depend on what those before them did.
    var mayOverlap: Bool { false }

    /// Most requests do not wait, or go on when their client has left.
    func clientLeft(_ request: Request) {}
}

/// Finds the handler of a request and turns what it does not foresee into an answer.
struct RequestRouter: Sendable {
    private let handlers: [APIKey: any RequestHandler]

    init(_ handlers: [any RequestHandler]) {
        self.handlers = Dictionary(uniqueKeysWithValues: handlers.map { ($0.key, $0) })
    }

    /// The APIs that can be answered.
    var keys: Set<APIKey> { Set(handlers.keys) }

    /// Begins the work on a request; `answer` is called exactly once.
    func route(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        let isKnown = MessageSchema.of(request.key)?.versions.contains(request.version) ?? false
        if isKnown, let handler = handlers[request.key] {
            handler.handle(request, answer: answer)
        } else if request.key == .apiVersions {
            answer(ApiVersionsHandler.unsupportedVersion(request, keys: keys))
        } else {
            answer(.close(reason: "\(request.key) version \(request.version) is not supported"))
        }
    }

    /// Whether requests of an API may be begun before earlier ones are answered.
    func mayOverlap(_ key: APIKey) -> Bool { handlers[key]?.mayOverlap ?? false }

    /// Tells who may wait with a request under way that its client has left.
    func clientLeft(_ request: Request) { handlers[request.key]?.clientLeft(request) }
}

/// A handler whose request and response follow the API's schema.
struct SchemaHandler: RequestHandler {
    /// Does the work; calls the function it is given exactly once, from any thread.
    ///
    /// It throws if the connection is to be closed instead.
    typealias Body =
        @Sendable (Fields, Request, @escaping @Sendable (Fields) -> Void) throws(BrokerError)
        -> Void

    let key: APIKey
    private let body: Body
    private let endWait: @Sendable (Request) -> Void

    /// Answers one API.
    ///
    /// - Parameters:
    ///   - key: The API.
    ///   - endWait: Called when the client of a request under way has left.
    ///   - body: What answers.
    init(
        _ key: APIKey,
        endWait: @escaping @Sendable (Request) -> Void = { _ in },
        _ body: @escaping Body
    ) {
        self.key = key
        self.body = body
        self.endWait = endWait
    }

    func clientLeft(_ request: Request) { endWait(request) }

    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        do {
            try body(try request.fields(), request) { answer(request.answer($0)) }
        } catch {
            answer(.close(reason: "\(error)"))
        }
    }
}
