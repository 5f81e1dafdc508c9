import Foundation
import GRDB
import KafkaWire

/// Groups and their committed offsets. The image of these is with their owner, the coordinator,
/// which reads them once at start and then only writes.
extension MetadataStore {
    /// Learns how a change went, on the writer's thread.
    typealias Completion = @Sendable (Result<ErrorCode, BrokerError>) -> Void

    /// Reads all groups with their offsets; blocks.
    func loadGroups() throws(BrokerError) -> [GroupState] {
        try MetadataDatabase.read("the groups", of: writer.database, MetadataDatabase.groups)
    }

    /// Stores a group's generation and members; its offsets stay.
    func save(_ group: GroupState, completion: @escaping Completion) {
        writer.submit(completion: completion) { rows, _ in
            try group.save(rows)
            return .none
        }
    }

    /// Gives static members other ids in the generation that is stored, if there is one.
    ///
    /// - Parameters:
    ///   - ids: Member ids by instance; an instance that is not stored is left out.
    ///   - id: The group.
    ///   - completion: Called when that is done.
    func renameStaticMembers(
        _ ids: [String: String],
        ofGroup id: String,
        completion: @escaping Completion
    ) {
        writer.submit(completion: completion) { rows, _ in
            guard var group = try GroupState.fetchOne(rows, key: id) else { return .none }
            if group.renameStaticMembers(ids) { try group.update(rows) }
            return .none
        }
    }

    /// Stores offsets of a group, which is stored too if it is new.
    ///
    /// Those of topics that do not exist any more are left out.
    ///
    /// - Parameters:
    ///   - offsets: What to store.
    ///   - id: The group.
    ///   - transaction: The transaction whose end decides whether the offsets come to count; nil if
    ///     they count at once.
    ///   - completion: Called with the reason why the transaction may not have them, or none.
    func commit(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        in transaction: OffsetTransaction? = nil,
        completion: @escaping Completion
    ) {
        writer.submit(completion: completion) { rows, image in
            if let transaction {
                let error = try MetadataDatabase.checkOffsets(transaction, ofGroup: id, rows)
                guard error == .none else { return error }
            }
            let live = offsets.filter { image.topics[$0.0.topicID] != nil }
            let producerID = transaction?.producerID
            try MetadataDatabase.save(live, ofGroup: id, producerID: producerID, rows)
            return .none
        }
    }

    /// Removes committed offsets of a group.
    func removeOffsets(
        of partitions: [OffsetKey],
        inGroup id: String,
        completion: @escaping Completion
    ) {
        writer.submit(completion: completion) { rows, _ in
            let statement = try rows.cachedStatement(
                sql: "DELETE FROM \"offset\" WHERE group_id = ? AND topic_id = ? AND partition = ?"
            )
            for key in partitions {
                try statement.execute(arguments: [id, key.topicID.data, key.partition])
            }
            return .none
        }
    }

    /// Removes a group and its offsets.
    func deleteGroup(id: String, completion: @escaping Completion) {
        writer.submit(completion: completion) { rows, _ in
            try GroupState.deleteOne(rows, key: id)
            return .none
        }
    }
}

/// Members are kept as JSON, their bytes as base64.
extension GroupState: FetchableRecord, PersistableRecord {
    static let databaseTableName = "group"
}

/// Rows of groups and offsets.
extension MetadataDatabase {
    fileprivate static func save(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        producerID: Int64?,
        _ rows: Database
    ) throws {
        try rows.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO "group" (id, generation, members, empty_since)
                VALUES (?, 0, '[]', ?)
                """
        ).execute(arguments: [id, offsets.first?.1.date ?? 0])
        // The tables differ in one column.
        let (table, column) =
            producerID == nil ? ("\"offset\"", "committed") : ("txn_offset", "producer_id")
        let statement = try rows.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO \(table)
                (group_id, topic_id, partition, "offset", epoch, metadata, \(column))
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        for (key, offset) in offsets {
            try statement.execute(arguments: [
                id, key.topicID.data, key.partition, offset.offset, offset.leaderEpoch,
                offset.metadata, producerID ?? offset.date,
            ])
        }
    }

    /// All groups with their offsets, those of open transactions apart.
    static func groups(_ rows: Database) throws -> [GroupState] {
        let groups = try GroupState.fetchAll(rows).map { ($0.id, $0) }
        var groupsByID = Dictionary(uniqueKeysWithValues: groups)
        let common = "group_id, topic_id, partition, \"offset\", epoch, metadata"
        let offsets = try Row.fetchCursor(
            rows,
            sql: """
                SELECT \(common), committed, NULL AS producer_id FROM "offset"
                UNION ALL SELECT \(common), 0, producer_id FROM txn_offset
                """
        )
        while let row = try offsets.next() {
            let group: String = try row.decode(atIndex: 0)
            let key = OffsetKey(
                topicID: try UUID16(stored: row.decode(atIndex: 1)),
                partition: try row.decode(atIndex: 2)
            )
            let offset = CommittedOffset(
                offset: try row.decode(atIndex: 3),
                leaderEpoch: try row.decode(atIndex: 4),
                metadata: try row.decode(atIndex: 5),
                date: try row.decode(atIndex: 6)
            )
            groupsByID[group]?.apply([(key, offset)], producerID: try row.decode(atIndex: 7))
        }
        return Array(groupsByID.values)
    }
}
