/// Why the broker could not do something, and what to do about it.
public struct BrokerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// A setting of the broker is wrong.
        case configuration
        /// The data directory cannot be used, or was written by a newer version.
        case dataDirectory
        /// Another process listens on the port.
        case portTaken
        /// Another process uses the data directory.
        case locked
        /// The data directory was written by a newer version of this program.
        case newerFormat
        /// The disk or the database failed.
        case storage
        /// Too much work is waiting already.
        case overloaded
        /// The broker is stopping.
        case closed
        /// The name is not allowed for a topic.
        case invalidTopicName
        /// The topic exists already.
        case topicExists
        /// The topic does not exist.
        case unknownTopic
        /// The number of partitions is not allowed.
        case invalidPartitionCount
        /// A topic's setting is unknown or its value not allowed.
        case invalidTopicSetting
        /// Anything else: a mistake in the broker.
        case other
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
}
