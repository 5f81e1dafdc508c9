import KafkaWire

/// Something that answers the requests of one API.
///
/// `handle` is called on the connection's event loop and must not block it; it calls `answer`
/// exactly once, from any thread.
protocol RequestHandler: Sendable {
    /// The API that it answers.
    var key: APIKey { get }
    /// Begins the work on a request.
    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void)
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
        let isUnknownVersion =
            !(MessageSchema.of(request.key)?.versions.contains(request.version) ?? false)
        if request.key == .apiVersions && isUnknownVersion {
            return answer(ApiVersionsHandler.unsupportedVersion(request, keys: keys))
        }
        guard let handler = handlers[request.key], !isUnknownVersion else {
            return answer(
                .close(reason: "\(request.key) version \(request.version) is not supported")
            )
        }
        handler.handle(request, answer: answer)
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
        let fields: Fields
        do {
            fields = try request.fields()
        } catch {
            return answer(.close(reason: error.description))
        }
        body(fields, request) { answer(request.answer($0)) }
    }
}
