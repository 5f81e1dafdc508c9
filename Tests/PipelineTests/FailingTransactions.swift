import Streaming

/// A call to a sink of transactions.
enum TransactionCall: Sendable {
    case initialize, begin, send, offsets, commit, abort
}

/// Transactions whose calls fail when told to, before they have done anything; all others go on to
/// another sink.
final class FailingTransactions: TransactionalSink {
    private let sink: any TransactionalSink
    private let failure: (TransactionCall) -> StreamError?

    init(_ sink: any TransactionalSink, _ failure: @escaping (TransactionCall) -> StreamError?) {
        self.sink = sink
        self.failure = failure
    }

    private func pass(_ call: TransactionCall) throws(StreamError) {
        if let error = failure(call) { throw error }
    }

    func initializeTransactions(timeout: Duration) throws(StreamError) {
        try pass(.initialize)
        try sink.initializeTransactions(timeout: timeout)
    }
    func beginTransaction() throws(StreamError) {
        try pass(.begin)
        try sink.beginTransaction()
    }
    func send(_ record: OutgoingRecord, token: UInt64) throws(StreamError) {
        try pass(.send)
        try sink.send(record, token: token)
    }
    func sendOffsets(
        _ positions: [TopicPartition: Offset],
        groupOf source: any RecordSource,
        timeout: Duration
    ) throws(StreamError) {
        try pass(.offsets)
        try sink.sendOffsets(positions, groupOf: source, timeout: timeout)
    }
    func commitTransaction(timeout: Duration) throws(StreamError) {
        try pass(.commit)
        try sink.commitTransaction(timeout: timeout)
    }
    func abortTransaction(timeout: Duration) throws(StreamError) {
        try pass(.abort)
        try sink.abortTransaction(timeout: timeout)
    }
    func takeDeliveries() -> [Delivery] { sink.takeDeliveries() }
    func flush(timeout: Duration) throws(StreamError) -> Bool { try sink.flush(timeout: timeout) }
    func takeNotices() -> [StreamNotice] { sink.takeNotices() }
}
