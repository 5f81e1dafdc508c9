import KafkaBroker
import Learning
import ModelStore
import Pipeline
import Streaming
import TextRecognition

/// What a process says to the shell when it ends.
enum ExitStatus: Int32, Sendable {
    /// Done.
    case success = 0
    /// The work failed, in whole or in part.
    case failure = 1
    /// The command line, the configuration or a declaration is wrong.
    case misuse = 2
    /// Something that must answer did not: no broker, no scorer.
    case unreachable = 3
}

/// Why a command ended without doing what was asked.
struct CommandFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the shell is told.
    var status: ExitStatus
    /// What went wrong, with the offending value.
    var message: String
    /// What to do next.
    var remedy: String

    /// Describes a failure.
    init(_ status: ExitStatus, _ message: String, remedy: String) {
        self.status = status
        self.message = message
        self.remedy = remedy
    }

    /// Message and remedy as one line.
    var description: String { "\(message): \(remedy)" }

    /// The failure that a command ends with after `error`, from whichever part it comes.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure:
            self = failure
        case let error as ConfigurationError:
            self.init(.misuse, error.message, remedy: error.remedy)
        case let error as StreamError:
            self.init(Self.status(of: error.kind), error.message, remedy: error.remedy)
        case let error as BrokerError:
            let status: ExitStatus = error.kind == .configuration ? .misuse : .failure
            self.init(status, error.message, remedy: error.remedy)
        case let error as ModelStoreError:
            self.init(.failure, error.message, remedy: error.remedy)
        case let error as PipelineError:
            self.init(.failure, error.message, remedy: error.remedy)
        case let error as LearningError:
            let status: ExitStatus = error.kind == .setting ? .misuse : .failure
            self.init(status, error.message, remedy: error.remedy)
        case let error as TextRecognitionError:
            let status: ExitStatus = error.kind == .setting ? .misuse : .failure
            self.init(status, error.message, remedy: error.remedy)
        default:
            self.init(.failure, "\(error)", remedy: "this was not expected; please report it")
        }
    }

    private static func status(of kind: StreamError.Kind) -> ExitStatus {
        switch kind {
        case .unreachable, .timedOut: .unreachable
        case .configuration: .misuse
        case .unknownTopic, .topicExists, .offsetOutOfRange, .fenced, .other: .failure
        }
    }
}
