/// Why the store could not do what was asked, and what to do about it.
public struct ModelStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// The directory or a file in it cannot be written.
        case notWritable
        /// The disk is full.
        case full
        /// A file is not what it was when it was written.
        case damaged
        /// What was asked for is not in the store.
        case missing
        /// A newer trainer has taken over the model.
        case fenced
        /// A value that the store cannot record.
        case invalid
        /// Anything else that the file system or SQLite reported.
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
