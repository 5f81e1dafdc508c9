public import Learning
public import ModelStore
public import Streaming

/// Why a trainer or a scorer had to stop.
public struct PipelineError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// A topic is missing, or its log no longer holds what is needed.
        case log
        /// The model store refused.
        case store
        /// A newer trainer of the same model has taken over.
        case fenced
        /// The learner refused its settings or its state.
        case learner
        /// A message on `model-updates` is not one of ours.
        case update
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

    /// The same failure, as a log's client told it.
    public init(_ error: StreamError) {
        self.init(error.kind == .fenced ? .fenced : .log, error.message, remedy: error.remedy)
    }

    /// The same failure, as the store told it.
    public init(_ error: ModelStoreError) {
        self.init(error.kind == .fenced ? .fenced : .store, error.message, remedy: error.remedy)
    }

    /// The same failure, as the learner told it.
    public init(_ error: LearningError) {
        self.init(.learner, error.message, remedy: error.remedy)
    }

    /// Message and remedy as one line.
    public var description: String { "\(message): \(remedy)" }
}

/// The value of a call to a log; its error as ours.
func log<Value: ~Copyable>(
    _ call: @autoclosure () throws(StreamError) -> Value
) throws(PipelineError) -> Value {
    do { return try call() } catch { throw PipelineError(error) }
}

/// The value of a call to the model store; its error as ours.
func store<Value: ~Copyable>(
    _ call: @autoclosure () throws(ModelStoreError) -> Value
) throws(PipelineError) -> Value {
    do { return try call() } catch { throw PipelineError(error) }
}

/// The value of a call to a learner or model; its error as ours.
func learning<Value: ~Copyable>(
    _ call: @autoclosure () throws(LearningError) -> Value
) throws(PipelineError) -> Value {
    do { return try call() } catch { throw PipelineError(error) }
}
