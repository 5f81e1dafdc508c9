import KafkaWire

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
        /// A client asks for something that cannot be.
        case refused
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// What went wrong, with the offending value.
    public var message: String
    /// What to do next; empty if the message says it.
    public var remedy: String
    /// What a client is told about it.
    let errorCode: ErrorCode
    /// Which records of a batch are to blame.
    var recordErrors: [RecordError] = []

    /// Why one record of a batch was refused.
    struct RecordError: Sendable, Equatable {
        /// Which one, counted from 0.
        var index: Int32
        var message: String
    }

    /// Describes a failure.
    public init(_ kind: Kind, _ message: String, remedy: String) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
        errorCode =
            switch kind {
            case .storage, .dataDirectory, .portTaken, .locked, .newerFormat: .kafkaStorageError
            case .overloaded: .coordinatorLoadInProgress
            case .closed: .coordinatorNotAvailable
            case .configuration: .invalidConfig
            case .refused: .invalidRequest
            }
    }

    /// Refuses what a client asks for.
    init(_ code: ErrorCode, _ message: String, remedy: String = "") {
        kind = .refused
        self.message = message
        self.remedy = remedy
        errorCode = code
    }

    /// Message and remedy as one line.
    public var description: String { remedy.isEmpty ? message : "\(message): \(remedy)" }
}
