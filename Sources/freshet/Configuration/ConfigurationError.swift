/// Why the configuration, or a declaration, cannot be used.
struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    enum Kind: String, Sendable {
        /// A file cannot be read.
        case unreadable
        /// A file is not YAML.
        case syntax
        /// A key that does not exist.
        case unknownKey
        /// A key that must be there is not.
        case missingKey
        /// A value of another type than the key's.
        case wrongType
        /// A value that cannot work.
        case outOfRange
    }

    /// What kind of failure it is.
    var kind: Kind
    /// What is wrong, with the place and the offending value.
    var message: String
    /// What to do next.
    var remedy: String

    /// Describes a failure.
    init(_ kind: Kind, _ message: String, remedy: String) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }

    /// Message and remedy as one line.
    var description: String { "\(message): \(remedy)" }
}
