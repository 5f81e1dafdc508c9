import GRDB
import KafkaWire
import Synchronization

/// Transactional ids, and what belongs to their transactions. As with groups, the image of these
/// is with their coordinator, which reads them once at start and then only writes.
extension MetadataStore {
    /// Reads all transactional ids, without the partitions of topics that are deleted; blocks.
    func loadTransactions() throws(BrokerError) -> [TransactionMetadata] {
        let topics = image.withLock { $0.topics }
        return try MetadataDatabase.read(
            "the transactions",
            of: writer.database,
            MetadataDatabase.transactions
        ).map { stored in
            var transaction = stored
            transaction.partitions = stored.partitions.filter { topics[$0.topic] != nil }
            return transaction
        }
    }

    /// Stores a transactional id.
    ///
    /// When its transaction is complete, the offsets that wait in it are committed or dropped with
    /// the same change.
    ///
    /// - Parameters:
    ///   - transaction: As it is to be. If it has no producer id, it gets a new one.
    ///   - completion: Gets the producer id.
    func save(
        _ transaction: TransactionMetadata,
        completion: @escaping @Sendable (Result<Int64, BrokerError>) -> Void
    ) {
        writer.submit(completion: completion) { rows, image in
            var transaction = transaction
            if transaction.producer.id < 0 {
                transaction.producer.id = try image.takeProducerID(rows)
            }
            try transaction.insert(rows, onConflict: .replace)
            if transaction.phase.isComplete {
                try MetadataDatabase.releaseOffsets(of: transaction, rows)
            }
            return transaction.producer.id
        }
    }

    /// Forgets a transactional id that has no open transaction.
    func deleteTransaction(
        id: String,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit(completion: completion) { rows, _ in
            _ = try TransactionMetadata.deleteOne(rows, key: id)
        }
    }
}

/// Partitions and groups are kept as JSON: they are only ever read all at once.
extension TransactionMetadata: FetchableRecord, PersistableRecord {
    static let databaseTableName = "txn"
}

extension MetadataDatabase {
    /// All transactional ids.
    static func transactions(_ rows: Database) throws -> [TransactionMetadata] {
        let transactions = try TransactionMetadata.fetchAll(rows)
        for transaction in transactions {
            // The coordinator counts with these. The last epoch only fences the one before.
            let times = [transaction.startDate ?? 0, transaction.lastUpdate]
            let epoch = transaction.producer.epoch
            guard times.allSatisfy({ $0 >= 0 }), epoch < .max || transaction.phase != .ongoing
            else {
                throw damage(
                    "the transactional id \"\(transaction.transactionalID)\" has the times"
                        + " \(times) and the epoch \(epoch)"
                )
            }
        }
        return transactions
    }
}

/// Offsets that wait in transactions.
extension MetadataDatabase {
    /// Whether a producer may store offsets of a group in its transaction (rule 8 of 3.6).
    ///
    /// Asked within the change that stores them, it cannot be outrun by the transaction's end: all
    /// changes are made one after another.
    static func checkOffsets(
        _ request: OffsetTransaction,
        ofGroup group: String,
        _ rows: Database
    ) throws -> ErrorCode {
        let id = request.transactionalID
        guard let transaction = try TransactionMetadata.fetchOne(rows, key: id),
            transaction.producer.id == request.producerID
        else { return .invalidProducerIDMapping }
        guard transaction.producer.epoch == request.producerEpoch else {
            return .invalidProducerEpoch
        }
        guard !transaction.phase.isPrepared else { return .concurrentTransactions }
        return transaction.groups.contains(group) ? .none : .invalidTransactionState
    }

    /// Commits or drops the offsets that wait in a transaction.
    fileprivate static func releaseOffsets(
        of transaction: TransactionMetadata,
        _ rows: Database
    ) throws {
        if transaction.phase.isCommit {
            try rows.execute(
                sql: """
                    INSERT OR REPLACE INTO "offset"
                    (group_id, topic_id, partition, "offset", epoch, metadata, committed)
                    SELECT group_id, topic_id, partition, "offset", epoch, metadata, ?
                    FROM txn_offset WHERE producer_id = ?
                    """,
                arguments: [transaction.lastUpdate, transaction.producer.id]
            )
        }
        try rows.execute(
            sql: "DELETE FROM txn_offset WHERE producer_id = ?",
            arguments: [transaction.producer.id]
        )
    }
}
