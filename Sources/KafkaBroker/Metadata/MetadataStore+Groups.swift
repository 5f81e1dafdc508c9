import Foundation
import GRDB
import KafkaWire

/// Groups and their committed offsets. The image of these is with their owner, the coordinator,
/// which reads them once at start and then only writes.
extension MetadataStore {
    /// Says, inside the database transaction that would store offsets, whether they may be part of
    /// a Kafka transaction: then the end of that transaction comes either before or after.
    typealias OffsetCheck =
        @Sendable (OffsetTransaction, _ groupID: String, Database) throws -> ErrorCode

    /// Reads all groups with their offsets; blocks.
    func loadGroups() throws(BrokerError) -> [(StoredGroup, StoredOffsets)] {
        do {
            return try writer.read { rows in
                var offsets = try MetadataDatabase.offsets(rows)
                return try MetadataDatabase.groups(rows).map { group in
                    (group, offsets.removeValue(forKey: group.id) ?? StoredOffsets())
                }
            }
        } catch {
            throw BrokerError.storage("the groups could not be read", error)
        }
    }

    /// Stores a group's generation and members; its offsets stay.
    func save(
        _ group: StoredGroup,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit { rows, _ in
            try MetadataDatabase.save(group, rows)
        } completion: {
            completion($0)
        }
    }

    /// Stores offsets of a group, which is stored too if it is new.
    ///
    /// Those of topics that do not exist any more are left out.
    ///
    /// - Parameters:
    ///   - offsets: What to store.
    ///   - id: The group.
    ///   - transaction: The transaction whose end decides whether the offsets come to count, and
    ///     what says whether it may have them; nil if they count at once.
    ///   - completion: Called with the check's error, or none.
    func commit(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        in transaction: (OffsetTransaction, check: OffsetCheck)? = nil,
        completion: @escaping @Sendable (Result<ErrorCode, BrokerError>) -> Void
    ) {
        writer.submit { rows, image in
            if let (transaction, check) = transaction {
                let error = try check(transaction, id, rows)
                guard error == .none else { return error }
            }
            let live = offsets.filter { image.topics[$0.0.topicID] != nil }
            try MetadataDatabase.insertGroupIfMissing(id, date: live.first?.1.date ?? 0, rows)
            for (key, offset) in live {
                if let (transaction, _) = transaction {
                    let producerID = transaction.producerID
                    try MetadataDatabase.hold(offset, key, group: id, producerID, rows)
                } else {
                    try MetadataDatabase.save(offset, key, group: id, rows)
                }
            }
            return .none
        } completion: {
            completion($0)
        }
    }

    /// Removes offsets of a group, unless newer ones were committed since.
    func remove(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit { rows, _ in
            for (key, offset) in offsets {
                try MetadataDatabase.remove(offset, key, group: id, rows)
            }
        } completion: {
            completion($0)
        }
    }

    /// Removes a group and its offsets.
    func deleteGroup(
        id: String,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit { rows, _ in
            try rows.execute(sql: "DELETE FROM \"group\" WHERE id = ?", arguments: [id])
        } completion: {
            completion($0)
        }
    }
}

/// Rows of groups and offsets.
extension MetadataDatabase {
    static func save(_ group: StoredGroup, _ rows: Database) throws {
        let members = try JSONEncoder().encode(group.members.map(MemberRow.init))
        let statement = try rows.cachedStatement(
            sql: """
                INSERT INTO "group"
                (id, generation, protocol_type, protocol, leader, members, empty_since)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET
                generation = excluded.generation, protocol_type = excluded.protocol_type,
                protocol = excluded.protocol, leader = excluded.leader,
                members = excluded.members, empty_since = excluded.empty_since
                """
        )
        try statement.execute(arguments: [
            group.id, group.generation, group.protocolType, group.protocolName, group.leaderID,
            String(decoding: members, as: UTF8.self), group.emptySince,
        ])
    }

    static func insertGroupIfMissing(_ id: String, date: Int64, _ rows: Database) throws {
        let statement = try rows.cachedStatement(
            sql: """
                INSERT INTO "group" (id, generation, members, empty_since)
                VALUES (?, 0, '[]', ?) ON CONFLICT (id) DO NOTHING
                """
        )
        try statement.execute(arguments: [id, date])
    }

    static func groups(_ rows: Database) throws -> [StoredGroup] {
        try Row.fetchAll(rows, sql: "SELECT * FROM \"group\"").map { row in
            let json: String = row["members"]
            let members = try JSONDecoder().decode([MemberRow].self, from: Data(json.utf8))
            return StoredGroup(
                id: row["id"],
                generation: row["generation"],
                protocolType: row["protocol_type"],
                protocolName: row["protocol"],
                leaderID: row["leader"],
                members: members.map(\.member),
                emptySince: row["empty_since"]
            )
        }
    }

    static func save(
        _ offset: CommittedOffset,
        _ key: OffsetKey,
        group: String,
        _ rows: Database
    ) throws {
        let statement = try rows.cachedStatement(
            sql: """
                INSERT INTO "offset"
                (group_id, topic_id, partition, "offset", epoch, metadata, committed)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (group_id, topic_id, partition) DO UPDATE SET
                "offset" = excluded."offset", epoch = excluded.epoch,
                metadata = excluded.metadata, committed = excluded.committed
                """
        )
        try statement.execute(arguments: [
            group, key.topicID.data, key.partition, offset.offset, offset.leaderEpoch,
            offset.metadata, offset.date,
        ])
    }

    static func remove(
        _ offset: CommittedOffset,
        _ key: OffsetKey,
        group: String,
        _ rows: Database
    ) throws {
        let statement = try rows.cachedStatement(
            sql: """
                DELETE FROM "offset"
                WHERE group_id = ? AND topic_id = ? AND partition = ? AND committed <= ?
                """
        )
        try statement.execute(arguments: [group, key.topicID.data, key.partition, offset.date])
    }

    static func hold(
        _ offset: CommittedOffset,
        _ key: OffsetKey,
        group: String,
        _ producerID: Int64,
        _ rows: Database
    ) throws {
        let statement = try rows.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO txn_offset
                (producer_id, group_id, topic_id, partition, "offset", epoch, metadata)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(arguments: [
            producerID, group, key.topicID.data, key.partition, offset.offset,
            offset.leaderEpoch, offset.metadata,
        ])
    }

    static func offsets(_ rows: Database) throws -> [String: StoredOffsets] {
        var offsets: [String: StoredOffsets] = [:]
        let committed = try Row.fetchCursor(rows, sql: "SELECT * FROM \"offset\"")
        while let row = try committed.next() {
            guard let key = OffsetKey(row) else { continue }
            let offset = CommittedOffset(row, date: row["committed"])
            offsets[row["group_id"], default: StoredOffsets()].committed[key] = offset
        }
        let pending = try Row.fetchCursor(rows, sql: "SELECT * FROM txn_offset")
        while let row = try pending.next() {
            guard let key = OffsetKey(row) else { continue }
            let offset = CommittedOffset(row, date: 0)
            offsets[row["group_id"], default: StoredOffsets()]
                .pending[row["producer_id"], default: [:]][key] = offset
        }
        return offsets
    }
}

extension OffsetKey {
    fileprivate init?(_ row: Row) {
        guard let topicID = UUID16(data: row["topic_id"]) else { return nil }
        self.init(topicID: topicID, partition: row["partition"])
    }
}

extension CommittedOffset {
    fileprivate init(_ row: Row, date: Int64) {
        self.init(
            offset: row["offset"],
            leaderEpoch: row["epoch"],
            metadata: row["metadata"],
            date: date
        )
    }
}

/// A member as JSON; bytes as base64.
private struct MemberRow: Codable {
    struct ProtocolRow: Codable {
        var name: String
        var metadata: Data
    }

    var id: String
    var instance: String?
    var client: String
    var host: String
    var sessionTimeout: Int32
    var rebalanceTimeout: Int32
    var protocols: [ProtocolRow]
    var assignment: Data

    init(_ member: StoredMember) {
        id = member.id
        instance = member.instanceID
        client = member.clientID
        host = member.clientHost
        sessionTimeout = member.sessionTimeout
        rebalanceTimeout = member.rebalanceTimeout
        protocols = member.protocols.map {
            ProtocolRow(name: $0.name, metadata: Data($0.metadata))
        }
        assignment = Data(member.assignment)
    }

    var member: StoredMember {
        StoredMember(
            id: id,
            instanceID: instance,
            clientID: client,
            clientHost: host,
            sessionTimeout: sessionTimeout,
            rebalanceTimeout: rebalanceTimeout,
            protocols: protocols.map {
                GroupProtocol(name: $0.name, metadata: [UInt8]($0.metadata))
            },
            assignment: [UInt8](assignment)
        )
    }
}
