import Foundation
import GRDB
import KafkaWire

/// Transactional ids, and what belongs to their transactions. As with groups, the image of these
/// is with their coordinator, which reads them once at start and then only writes.
extension MetadataStore {
    /// Reads all transactional ids; blocks.
    func loadTransactions() throws(BrokerError) -> [TransactionMetadata] {
        do {
            return try writer.read(MetadataDatabase.transactions)
        } catch {
            throw BrokerError.storage("the transactions could not be read", error)
        }
    }

    /// Stores a transactional id.
    ///
    /// When its transaction is complete, the offsets that wait in it are committed or dropped with
    /// the same change.
    ///
    /// - Parameters:
    ///   - transaction: As it is to be. If it has no producer id, it gets a new one.
    ///   - partitions: The partitions that are new in the transaction.
    ///   - groups: The groups that are new in it.
    ///   - completion: Gets the producer id.
    func save(
        _ transaction: TransactionMetadata,
        adding partitions: Set<PartitionID>,
        _ groups: Set<String>,
        completion: @escaping @Sendable (Result<Int64, BrokerError>) -> Void
    ) {
        writer.submit { rows, image in
            var transaction = transaction
            if transaction.producer.id < 0 {
                transaction.producer.id = try image.takeProducerID(rows)
            }
            try MetadataDatabase.save(transaction, rows)
            let id = transaction.transactionalID
            for partition in partitions where image.topics[partition.topic] != nil {
                let sql = "INSERT OR IGNORE INTO txn_part VALUES (?, ?, ?)"
                try rows.cachedStatement(sql: sql).execute(
                    arguments: [id, partition.topic.data, partition.index]
                )
            }
            for group in groups {
                let sql = "INSERT OR IGNORE INTO txn_group VALUES (?, ?)"
                try rows.cachedStatement(sql: sql).execute(arguments: [id, group])
            }
            if transaction.phase.isComplete { try MetadataDatabase.finish(transaction, rows) }
            return transaction.producer.id
        } completion: {
            completion($0)
        }
    }

    /// Forgets a transactional id that has no open transaction.
    func deleteTransaction(
        id: String,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit { rows, _ in
            try rows.execute(sql: "DELETE FROM txn WHERE id = ?", arguments: [id])
        } completion: {
            completion($0)
        }
    }
}

/// Rows of transactions.
extension MetadataDatabase {
    /// Whether a producer may store offsets of a group in its transaction (rule 8 of 3.6).
    ///
    /// Asked within the change that stores them, it cannot be outrun by the transaction's end: all
    /// changes are made one after another.
    static func checkOffsets(
        _ transaction: OffsetTransaction,
        ofGroup group: String,
        _ rows: Database
    ) throws -> ErrorCode {
        let statement = try rows.cachedStatement(
            sql: """
                SELECT producer_id, epoch, state, EXISTS (
                    SELECT 1 FROM txn_group WHERE txn_id = txn.id AND group_id = ?
                ) AS has_group FROM txn WHERE id = ?
                """
        )
        let arguments: StatementArguments = [group, transaction.transactionalID]
        guard let row = try Row.fetchOne(statement, arguments: arguments),
            row["producer_id"] == transaction.producerID
        else { return .invalidProducerIDMapping }
        guard row["epoch"] == transaction.producerEpoch else { return .invalidProducerEpoch }
        let phase = TransactionMetadata.Phase(rawValue: row["state"])
        if phase?.isPrepared == true { return .concurrentTransactions }
        return phase == .ongoing && row["has_group"] ? .none : .invalidTransactionState
    }

    fileprivate static func save(_ transaction: TransactionMetadata, _ rows: Database) throws {
        let sql = "INSERT OR REPLACE INTO txn VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        try rows.cachedStatement(sql: sql).execute(arguments: [
            transaction.transactionalID, transaction.producer.id, transaction.previousProducerID,
            transaction.producer.epoch, transaction.lastEpoch, transaction.timeout,
            transaction.phase.rawValue, transaction.startDate, transaction.lastUpdate,
        ])
    }

    /// Commits or drops the offsets of a transaction, and empties it.
    fileprivate static func finish(_ transaction: TransactionMetadata, _ rows: Database) throws {
        let (id, producerID) = (transaction.transactionalID, transaction.producer.id)
        if transaction.phase.isCommit {
            try rows.execute(
                sql: """
                    INSERT OR REPLACE INTO "offset"
                    (group_id, topic_id, partition, "offset", epoch, metadata, committed)
                    SELECT group_id, topic_id, partition, "offset", epoch, metadata, ?
                    FROM txn_offset WHERE producer_id = ?
                    """,
                arguments: [transaction.lastUpdate, producerID]
            )
        }
        try rows.execute(
            sql: """
                DELETE FROM txn_offset WHERE producer_id = ?;
                DELETE FROM txn_part WHERE txn_id = ?;
                DELETE FROM txn_group WHERE txn_id = ?
                """,
            arguments: [producerID, id, id]
        )
    }

    static func transactions(_ rows: Database) throws -> [TransactionMetadata] {
        var partitions: [String: Set<PartitionID>] = [:]
        for row in try Row.fetchAll(rows, sql: "SELECT * FROM txn_part") {
            guard let topic = UUID16(data: row["topic_id"]) else { continue }
            let partition = PartitionID(topic: topic, index: row["partition"])
            partitions[row["txn_id"], default: []].insert(partition)
        }
        var groups: [String: Set<String>] = [:]
        for row in try Row.fetchAll(rows, sql: "SELECT * FROM txn_group") {
            groups[row["txn_id"], default: []].insert(row["group_id"])
        }
        return try Row.fetchAll(rows, sql: "SELECT * FROM txn").map { row in
            let id: String = row["id"]
            guard let phase = TransactionMetadata.Phase(rawValue: row["state"]) else {
                throw BrokerError(
                    .storage,
                    "transactional id \(id) is in an unknown state",
                    remedy: "the metadata is damaged: restore it from a backup"
                )
            }
            return TransactionMetadata(
                transactionalID: id,
                producer: ProducerIdentity(id: row["producer_id"], epoch: row["epoch"]),
                previousProducerID: row["previous_producer_id"],
                lastEpoch: row["last_epoch"],
                timeout: row["timeout"],
                phase: phase,
                partitions: partitions[id] ?? [],
                groups: groups[id] ?? [],
                startDate: row["started"],
                lastUpdate: row["updated"]
            )
        }
    }
}
