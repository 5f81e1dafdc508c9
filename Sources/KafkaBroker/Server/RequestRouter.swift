import KafkaWire

/// Something that answers the requests of one API.
protocol RequestHandler: Sendable {
    /// The API that it answers.
    var key: APIKey { get }

    /// Begins the work on a request.
    ///
    /// It is called on the connection's event loop and must not block it; it calls `answer`
    /// exactly once, from any thread.
    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void)

    /// The client of the request under way on a connection has left: a wait may end.
    func clientLeft(_ connection: ObjectIdentifier)
}

extension RequestHandler {
    /// Most requests do not wait, or go on when their client has left.
    func clientLeft(_ connection: ObjectIdentifier) {}
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

    /// Tells those who may wait that a client has left.
    func clientLeft(_ connection: ObjectIdentifier) {
        for handler in handlers.values { handler.clientLeft(connection) }
    }
}

/// A handler whose request and response follow the API's schema.
struct SchemaHandler: RequestHandler {
    /// Does the work; calls the function it is given exactly once, from any thread.
    typealias Body = @Sendable (Fields, Request, @escaping @Sendable (Fields) -> Void) -> Void

    let key: APIKey
    let body: Body

    init(_ key: APIKey, _ body: @escaping Body) {
        self.key = key
        self.body = body
    }

    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        do throws(WireError) {
            let fields = try request.fields()
            body(fields, request) { answer(request.answer($0)) }
        } catch {
            answer(.close(reason: error.message))
        }
    }
}
