import Foundation
import GRDB
import KafkaWire

/// The SQL of the metadata store: how the file is opened, and how rows become values and back.
enum MetadataDatabase {
    /// Producer ids reserved by one write: InitProducerId then syncs once in a thousand calls.
    static let producerIDBlock: Int64 = 1000

    /// What `open` found.
    struct Opened {
        var database: DatabaseQueue
        var image: MetadataImage
        var clusterID: String
        var wasClosedCleanly: Bool
    }

    /// Opens or creates the file, brings its tables up to date, takes a leader epoch and marks the
    /// directory as in use.
    static func open(directory: URL) throws(BrokerError) -> Opened {
        let path = directory.appendingPathComponent("meta.sqlite").path
        do {
            try FileSystem.makeDirectory(directory.path)
            // Durably: a power loss must not take the new file's name with it.
            if FileSystem.byteCount(of: path) == nil {
                try FileSystem.write([], to: path, isDurable: true)
            }
            let database = try connect(path)
            if try database.read(schema.hasBeenSuperseded) {
                throw BrokerError(
                    .dataDirectory,
                    "\(path) was written by a newer version of the broker",
                    remedy: "start that version, or use another data directory"
                )
            }
            try schema.migrate(database)
            return try database.write { rows in
                try start(database, rows)
            }
        } catch let error as BrokerError {
            throw error
        } catch {
            throw BrokerError(
                .dataDirectory,
                "\(path) cannot be opened: \(error)",
                remedy: "check that the directory is writable, the disk has space, and the file"
                    + " is a database of this broker"
            )
        }
    }

    private static func connect(_ path: String) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        configuration.foreignKeysEnabled = true
        configuration.label = "metadata"
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.writeWithoutTransaction { rows in
            // GRDB sets NORMAL for the WAL, which may lose the last commits with the power.
            try rows.execute(sql: "PRAGMA synchronous = FULL")
            #if os(macOS)
                // There, fsync does not reach the platter.
                try rows.execute(sql: "PRAGMA fullfsync = 1")
            #endif
        }
        return database
    }

    private static func start(_ database: DatabaseQueue, _ rows: Database) throws -> Opened {
        let clusterID = try value("cluster_id", rows) ?? UUID16.random().description
        try set("cluster_id", clusterID, rows)
        let epoch = Int32(clamping: try counter("leader_epoch", rows) &+ 1)
        try set("leader_epoch", String(epoch), rows)
        let wasClosedCleanly = try value("clean", rows) == "1"
        try setClean(false, rows)
        var image = MetadataImage(leaderEpoch: epoch)
        for topic in try topics(leaderEpoch: epoch, rows) { image.set(topic) }
        let deleted = try Data.fetchAll(rows, sql: "SELECT id FROM topic WHERE deleted")
        image.deletedTopicIDs = Set(deleted.compactMap(UUID16.init(data:)))
        return Opened(
            database: database,
            image: image,
            clusterID: clusterID,
            wasClosedCleanly: wasClosedCleanly
        )
    }
}

/// Counters and flags.
extension MetadataDatabase {
    static func setClean(_ clean: Bool, _ rows: Database) throws {
        try set("clean", clean ? "1" : "0", rows)
    }

    /// Takes the next block of producer ids off the counter.
    static func reserveProducerIDs(_ rows: Database) throws -> Range<Int64> {
        let first = try counter("next_producer_id", rows)
        let (end, overflow) = first.addingReportingOverflow(producerIDBlock)
        guard !overflow, first >= 0 else {
            throw damage("the counter of producer ids stands at \(first)")
        }
        try set("next_producer_id", String(end), rows)
        return first..<end
    }

    static func damage(_ message: String) -> BrokerError {
        BrokerError(
            .storage,
            message,
            remedy: "the metadata is damaged: restore it from a backup"
        )
    }

    private static func counter(_ key: String, _ rows: Database) throws -> Int64 {
        try value(key, rows).flatMap { Int64($0) } ?? 0
    }

    private static func value(_ key: String, _ rows: Database) throws -> String? {
        try String.fetchOne(rows, sql: "SELECT v FROM meta WHERE k = ?", arguments: [key])
    }

    private static func set(_ key: String, _ value: String, _ rows: Database) throws {
        try rows.execute(
            sql: """
                INSERT INTO meta (k, v) VALUES (?, ?)
                ON CONFLICT (k) DO UPDATE SET v = excluded.v
                """,
            arguments: [key, value]
        )
    }
}

/// Topics.
extension MetadataDatabase {
    static func insert(_ topic: Topic, _ rows: Database) throws {
        try set("leader_epoch", String(topic.leaderEpoch), rows)
        try rows.execute(
            sql: "INSERT INTO topic (id, name, partitions, created, epoch) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                topic.id.data, topic.name, topic.partitionCount, topic.creationDate,
                topic.leaderEpoch,
            ]
        )
        try insertConfiguration(of: topic, rows)
    }

    static func markDeleted(_ id: UUID16, _ rows: Database) throws {
        for table in ["\"offset\"", "txn_offset"] {
            try rows.execute(sql: "DELETE FROM \(table) WHERE topic_id = ?", arguments: [id.data])
        }
        try rows.execute(sql: "UPDATE topic SET deleted = 1 WHERE id = ?", arguments: [id.data])
    }

    static func purge(_ id: UUID16, _ rows: Database) throws {
        try rows.execute(sql: "DELETE FROM topic WHERE id = ? AND deleted", arguments: [id.data])
    }

    static func update(_ topic: Topic, _ rows: Database) throws {
        try rows.execute(
            sql: "UPDATE topic SET partitions = ? WHERE id = ?",
            arguments: [topic.partitionCount, topic.id.data]
        )
        try rows.execute(
            sql: "DELETE FROM topic_config WHERE topic_id = ?",
            arguments: [topic.id.data]
        )
        try insertConfiguration(of: topic, rows)
    }

    private static func insertConfiguration(of topic: Topic, _ rows: Database) throws {
        for (key, value) in topic.configuration.values {
            try rows.execute(
                sql: "INSERT INTO topic_config (topic_id, k, v) VALUES (?, ?, ?)",
                arguments: [topic.id.data, key, value]
            )
        }
    }

    private static func topics(leaderEpoch: Int32, _ rows: Database) throws -> [Topic] {
        var configurations: [Data: [String: String]] = [:]
        for row in try Row.fetchAll(rows, sql: "SELECT topic_id, k, v FROM topic_config") {
            let id: Data = row["topic_id"]
            let key: String = row["k"]
            configurations[id, default: [:]][key] = row["v"]
        }
        let sql = "SELECT id, name, partitions, created FROM topic WHERE NOT deleted"
        return try Row.fetchAll(rows, sql: sql).map { row in
            let data: Data = row["id"]
            let count: Int64 = row["partitions"]
            guard let id = UUID16(data: data), count <= Topic.maximumPartitionCount else {
                throw damage("topic \(row["name"] as String) has \(count) partitions")
            }
            return Topic(
                id: id,
                name: row["name"],
                partitionCount: Int32(count),
                creationDate: row["created"],
                leaderEpoch: leaderEpoch,
                configuration: TopicConfiguration(stored: configurations[data] ?? [:])
            )
        }
    }
}

extension UUID16 {
    /// The 16 bytes, as the database keeps them.
    var data: Data { Data(bytes) }

    /// Reads 16 bytes; nil if there are not exactly 16.
    init?(data: Data) {
        guard data.count == 16 else { return nil }
        let halves = [data.prefix(8), data.suffix(8)].map { half in
            half.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        self.init(high: halves[0], low: halves[1])
    }
}
