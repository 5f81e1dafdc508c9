import KafkaWire

/// Tells a client which APIs and versions this broker speaks.
struct ApiVersionsHandler: RequestHandler {
    let key = APIKey.apiVersions
    /// The APIs that can be answered, this one included.
    let keys: Set<APIKey>

    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        // The body names the client's software, which makes no difference.
        answer(request.answer(Self.fields(keys: keys, errorCode: .none)))
    }

    /// The answer to a version that is not known: in version 0, which every client reads.
    static func unsupportedVersion(_ request: Request, keys: Set<APIKey>) -> Answer {
        request.answer(fields(keys: keys, errorCode: .unsupportedVersion), version: 0)
    }

    private static func fields(keys: Set<APIKey>, errorCode: ErrorCode) -> Fields {
        let ranges: [Fields] = MessageSchema.all.filter { keys.contains($0.key) }.map { schema in
            [
                "apiKey": .int(Int64(schema.key.rawValue)),
                "minVersion": .int(Int64(schema.versions.lowerBound)),
                "maxVersion": .int(Int64(schema.versions.upperBound)),
            ]
        }
        var fields = Fields()
        fields["errorCode"] = .code(errorCode)
        fields["apiKeys"] = .list(ranges)
        return fields
    }
}
