/// Why bytes could not be read as a Kafka message, or a message not be written as bytes.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// The bytes end before the message does, or a length points past their end.
        case truncated
        /// The bytes break a rule of the protocol.
        case malformed
        /// The message exceeds a limit of this codec.
        case tooLarge
        /// The API or its version is not known here.
        case unsupported
        /// A value does not fit the schema: a mistake in the calling code.
        case invalidValue
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// What went wrong, with the offending value.
    public var message: String
    /// What to do next.
    public var remedy: String

    /// Describes a failure.
    public init(_ kind: Kind, _ message: String, remedy: String) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }

    /// Message and remedy as one line.
    public var description: String { "\(message): \(remedy)" }

    static func truncated(_ what: String) -> WireError {
        WireError(.truncated, what, remedy: "the peer does not speak Kafka's protocol correctly")
    }

    static func malformed(_ what: String) -> WireError {
        WireError(.malformed, what, remedy: "the peer does not speak Kafka's protocol correctly")
    }

    static func invalidValue(_ what: String) -> WireError {
        WireError(.invalidValue, what, remedy: "compare the value with the API's schema")
    }
}
