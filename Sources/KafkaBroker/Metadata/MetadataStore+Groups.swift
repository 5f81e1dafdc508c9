import Foundation
import GRDB
import KafkaWire

/// Groups and their committed offsets. The image of these is with their owner, the coordinator,
/// which reads them once at start and then only writes.
extension MetadataStore {
    /// Reads all groups with their offsets; blocks.
    func loadGroups() throws(BrokerError) -> [(StoredGroup, [OffsetKey: CommittedOffset])] {
        do {
            return try writer.read { rows in
                var offsets = try MetadataDatabase.offsets(rows)
                return try MetadataDatabase.groups(rows).map { group in
                    (group, offsets.removeValue(forKey: group.id) ?? [:])
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
    func commit(
        _ offsets: [(OffsetKey, CommittedOffset)],
        ofGroup id: String,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit { rows, image in
            let live = offsets.filter { image.topics[$0.0.topicID] != nil }
            try MetadataDatabase.insertGroupIfMissing(id, date: live.first?.1.date ?? 0, rows)
            for (key, offset) in live { try MetadataDatabase.save(offset, key, group: id, rows) }
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

    static func offsets(_ rows: Database) throws -> [String: [OffsetKey: CommittedOffset]] {
        var offsets: [String: [OffsetKey: CommittedOffset]] = [:]
        let cursor = try Row.fetchCursor(rows, sql: "SELECT * FROM \"offset\"")
        while let row = try cursor.next() {
            guard let topicID = UUID16(data: row["topic_id"]) else { continue }
            let group: String = row["group_id"]
            let key = OffsetKey(topicID: topicID, partition: row["partition"])
            offsets[group, default: [:]][key] = CommittedOffset(
                offset: row["offset"],
                leaderEpoch: row["epoch"],
                metadata: row["metadata"],
                date: row["committed"]
            )
        }
        return offsets
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
