public import Streaming

/// How a trainer reaches the topic of model updates.
///
/// What is opened is owned by the thread that opened it.
public struct UpdatesConnection: Sendable {
    let openSink: @Sendable () throws(StreamError) -> any TransactionalSink
    let openSource: @Sendable () throws(StreamError) -> any RecordSource

    /// Describes the way.
    ///
    /// - Parameters:
    ///   - openSink: A sink under the model's transactional id, not yet initialized; called again
    ///     when one has become useless.
    ///   - openSource: A source of the topic, with nothing assigned; called at start, to see the
    ///     last update.
    public init(
        openSink: @escaping @Sendable () throws(StreamError) -> any TransactionalSink,
        openSource: @escaping @Sendable () throws(StreamError) -> any RecordSource
    ) {
        self.openSink = openSink
        self.openSource = openSource
    }
}
