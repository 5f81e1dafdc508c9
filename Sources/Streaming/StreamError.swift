/// Why a log could not be read or written, and what to do about it.
public struct StreamError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// A setting is wrong.
        case configuration
        /// No broker answers.
        case unreachable
        /// The topic or partition does not exist.
        case unknownTopic
        /// The topic exists already.
        case topicExists
        /// The offset is not (or no longer) in the log.
        case offsetOutOfRange
        /// A newer instance with the same transactional id has taken over.
        case fenced
        /// The operation took too long.
        case timedOut
        /// Anything else the log's client reported.
        case other
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// What went wrong, with the offending value.
    public var message: String
    /// What to do next.
    public var remedy: String
    /// The client library's error code; 0 when it did not come from there.
    public var code: Int32
    /// Whether the client library says that the same call can succeed later.
    public var isRetriable: Bool
    /// Whether the running transaction can only be aborted.
    public var needsAbort: Bool
    /// Whether the source or sink is of no further use.
    public var isFatal: Bool

    /// Describes a failure.
    public init(
        _ kind: Kind,
        _ message: String,
        remedy: String,
        code: Int32 = 0,
        isRetriable: Bool = false,
        needsAbort: Bool = false,
        isFatal: Bool = false
    ) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
        self.code = code
        self.isRetriable = isRetriable
        self.needsAbort = needsAbort
        self.isFatal = isFatal
    }

    /// Whether no broker answered, which may be away for a while.
    public var isUnanswered: Bool { kind == .unreachable || kind == .timedOut }

    /// Whether waiting helps: the same call can succeed later, perhaps when a broker is back.
    public var isTransient: Bool { isRetriable || isUnanswered }

    /// Message and remedy as one line.
    public var description: String { "\(message): \(remedy)" }
}
