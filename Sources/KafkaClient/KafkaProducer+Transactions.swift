internal import CLibrdkafka
public import Streaming

// A transaction makes records and a group's offsets visible together or not at all. The errors of
// these calls say what to do next: try the same call again (isRetriable), abort the transaction
// (needsAbort), or give the producer up (isFatal, kind fenced).

extension KafkaProducer: TransactionalSink {
    /// Makes this the only producer of its transactional id; older ones are fenced off and their
    /// unfinished transactions aborted.
    ///
    /// Called once, before the first transaction.
    /// - Parameter timeout: How long to block.
    /// - Throws: Also when the producer was made without a transactional id.
    public func initializeTransactions(timeout: Duration) throws(StreamError) {
        try check(
            rd_kafka_init_transactions(handle.client, milliseconds(timeout)),
            "transactions cannot be started"
        )
    }

    /// Begins a transaction, which everything sent until its end belongs to.
    ///
    /// Does not block.
    public func beginTransaction() throws(StreamError) {
        try check(rd_kafka_begin_transaction(handle.client), "a transaction cannot begin")
    }

    /// Commits a group's offsets with this transaction.
    /// - Parameters:
    ///   - positions: The offsets of the next records to be read.
    ///   - source: The `KafkaConsumer` whose group they belong to.
    ///   - timeout: How long to block.
    /// - Throws: When they cannot be made part of the transaction.
    public func sendOffsets(
        _ positions: [TopicPartition: Offset],
        groupOf source: any RecordSource,
        timeout: Duration
    ) throws(StreamError) {
        guard !positions.isEmpty else { return }
        guard let consumer = source as? KafkaConsumer else {
            throw StreamError(
                .configuration,
                "offsets of a source that is not Kafka's cannot join the transaction",
                remedy: "read with a KafkaConsumer"
            )
        }
        guard let group = rd_kafka_consumer_group_metadata(try consumer.opened().client) else {
            throw StreamError(
                .configuration,
                "the consumer has no group",
                remedy: "give it a client id"
            )
        }
        defer { rd_kafka_consumer_group_metadata_destroy(group) }
        let list = PartitionList(positions)
        try check(
            rd_kafka_send_offsets_to_transaction(
                handle.client,
                list.pointer,
                group,
                milliseconds(timeout)
            ),
            "offsets \(positions) cannot join the transaction"
        )
    }

    /// Waits for everything sent to be delivered and makes the transaction's records visible.
    /// - Parameter timeout: How long to block; after a time-out the same call may be made again.
    /// - Throws: When it was not committed, or it is not known yet whether it was.
    public func commitTransaction(timeout: Duration) throws(StreamError) {
        try check(
            rd_kafka_commit_transaction(handle.client, milliseconds(timeout)),
            "the transaction cannot be committed"
        )
    }

    /// Ends the transaction so that its records are never seen by readers of committed ones.
    /// - Parameter timeout: How long to block; after a time-out the same call may be made again.
    /// - Throws: When it is not aborted yet.
    public func abortTransaction(timeout: Duration) throws(StreamError) {
        try check(
            rd_kafka_abort_transaction(handle.client, milliseconds(timeout)),
            "the transaction cannot be aborted"
        )
    }
}
