/// Why a learner cannot be made, restored or updated.
public struct LearningError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// A setting is out of range.
        case setting
        /// A tensor is missing, or has another type or shape than expected.
        case tensor
        /// Bytes are not a valid safetensors file.
        case format
        /// A file cannot be opened or read.
        case unreadable
        /// A number is not finite: the model diverged.
        case diverged
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

extension LearningError {
    /// A tensor that must be there is not.
    public static func missing(_ name: String) -> LearningError {
        LearningError(
            .tensor,
            "tensor \"\(name)\" is missing",
            remedy: "the file was not written by this learner; use another version"
        )
    }

    /// A tensor has fewer bytes than are needed.
    public static func tooShort(_ name: String, _ byteCount: Int, needed: Int) -> LearningError {
        LearningError(
            .tensor,
            "tensor \"\(name)\" has \(byteCount) bytes, \(needed) are needed",
            remedy: "the file is damaged; use another version"
        )
    }
}
