/// A sink whose records become visible together, or not at all.
///
/// Owned by one thread. Of all sinks with the same transactional id only the newest is of use: the
/// others are *fenced*. An error says what can be done next: the same call again (`isRetriable`),
/// an abort and then everything anew (`needsAbort`), or nothing (`isFatal`).
public protocol TransactionalSink: RecordSink {
    /// Fences older sinks of the same id and aborts what they left unfinished.
    ///
    /// Called once, before the first transaction. Blocks up to `timeout`; may be called again after
    /// a retriable error.
    func initializeTransactions(timeout: Duration) throws(StreamError)

    /// Begins a transaction, which everything sent until its end belongs to. Does not block.
    func beginTransaction() throws(StreamError)

    /// Commits, with the transaction, the offsets of the next records to be read under the group
    /// that `source` is a member of. Blocks up to `timeout`.
    func sendOffsets(
        _ positions: [TopicPartition: Offset],
        groupOf source: any RecordSource,
        timeout: Duration
    ) throws(StreamError)

    /// Waits until all that was sent has been delivered, and makes it visible. Blocks up to
    /// `timeout`; after a retriable error the same call may be made again.
    func commitTransaction(timeout: Duration) throws(StreamError)

    /// Ends the transaction so that nothing of it is ever visible. Blocks up to `timeout`; after a
    /// retriable error the same call may be made again.
    func abortTransaction(timeout: Duration) throws(StreamError)
}
