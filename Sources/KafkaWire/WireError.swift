/// Why bytes could not be read as a Kafka message, or a message not be written as bytes.
public enum WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The bytes end before the message does, or a length points past their end.
    case truncated(String)
    /// The bytes break a rule of the protocol.
    case malformed(String)
    /// The message exceeds a limit of this codec.
    case tooLarge(String)
    /// The API or its version is not known here.
    case unsupported(String)
    /// A value does not fit the schema: a mistake in the calling code.
    case invalidValue(String)

    /// What went wrong, with the offending value.
    public var message: String {
        switch self {
        case .truncated(let message), .malformed(let message), .tooLarge(let message),
            .unsupported(let message), .invalidValue(let message):
            message
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .truncated, .malformed: "the peer does not speak Kafka's protocol correctly"
        case .tooLarge: "split the request"
        case .unsupported: "ask for the supported versions with ApiVersions"
        case .invalidValue: "compare the value with the API's schema"
        }
    }

    /// Message and remedy as one line.
    public var description: String { "\(message): \(remedy)" }
}
