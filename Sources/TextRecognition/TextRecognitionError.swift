/// Why a picture cannot be read or written, or a text not be recognized.
public struct TextRecognitionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// A setting or a template is out of range.
        case setting
        /// Bytes are not a picture, or a damaged one.
        case format
        /// A picture is larger than allowed.
        case tooLarge
        /// A file that must be there, such as a font, is not or cannot be read.
        case unreadable
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
