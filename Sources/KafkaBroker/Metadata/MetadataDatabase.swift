import Foundation
import GRDB
import KafkaWire

/// The SQL of the metadata store: how the file is opened, and how rows become values and back.
///
/// Whatever the file holds, reading it throws and never traps: each value is read with `decode`,
/// which throws what a row's subscript would trap on.
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
            return try database.write { rows in try start(database, rows) }
        } catch let error as BrokerError {
            throw error
        } catch let error as DatabaseError {
            throw BrokerError(
                .dataDirectory,
                "\(path) cannot be opened: \(error)",
                remedy: "check that the directory is writable, the disk has space, and the file"
                    + " is a database of this broker"
            )
        } catch {
            throw damage("\(path): \(error)")
        }
    }

    /// Reads what is stored; blocks while something is written.
    ///
    /// - Parameters:
    ///   - what: What is read, as an error calls it.
    ///   - database: Where it is.
    ///   - body: Reads and converts the rows.
    /// - Returns: What they were converted to.
    /// - Throws: `BrokerError`, also if they are not what a broker writes.
    static func read<Value>(
        _ what: String,
        of database: DatabaseQueue,
        _ body: (Database) throws -> Value
    ) throws(BrokerError) -> Value {
        do {
            return try database.read(body)
        } catch let error as BrokerError {
            throw error
        } catch let error as DatabaseError {
            throw .storage("\(what) could not be read", error)
        } catch {
            throw damage("\(what) could not be read: \(error)")
        }
    }

    /// Something in the file is not what a broker writes.
    static func damage(_ message: String) -> BrokerError {
        BrokerError(
            .storage,
            message,
            remedy: "the metadata is damaged: restore it from a backup"
        )
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
        let epoch: Int32 = try counter("leader_epoch", rows) + 1
        try set("leader_epoch", String(epoch), rows)
        let _: Int64 = try counter("next_producer_id", rows)  // It is not needed before long.
        let wasClosedCleanly = try value("clean", rows) == "1"
        try setClean(false, rows)
        return Opened(
            database: database,
            image: try image(leaderEpoch: epoch, rows),
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
        let first: Int64 = try counter("next_producer_id", rows)
        let end = first + producerIDBlock
        try set("next_producer_id", String(end), rows)
        return first..<end
    }

    /// A counter; 0 before it is set for the first time.
    ///
    /// None gets past half of what its type holds in the life of a disk.
    private static func counter<Number: FixedWidthInteger>(
        _ key: String,
        _ rows: Database
    ) throws -> Number {
        let text = try value(key, rows) ?? "0"
        guard let number = Number(text), (0...Number.max / 2).contains(number) else {
            throw damage("the counter \(key) is \"\(text)\"")
        }
        return number
    }

    private static func value(_ key: String, _ rows: Database) throws -> String? {
        try String.fetchOne(rows, sql: "SELECT v FROM meta WHERE k = ?", arguments: [key])
    }

    private static func set(_ key: String, _ value: String, _ rows: Database) throws {
        try rows.execute(
            sql: "INSERT OR REPLACE INTO meta (k, v) VALUES (?, ?)",
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

    static func update(_ topic: Topic, _ rows: Database) throws {
        let id = topic.id.data
        try rows.execute(
            sql: "UPDATE topic SET partitions = ? WHERE id = ?",
            arguments: [topic.partitionCount, id]
        )
        try rows.execute(sql: "DELETE FROM topic_config WHERE topic_id = ?", arguments: [id])
        try insertConfiguration(of: topic, rows)
    }

    static func markDeleted(_ id: UUID16, _ rows: Database) throws {
        for sql in [
            "DELETE FROM \"offset\" WHERE topic_id = ?",
            "DELETE FROM txn_offset WHERE topic_id = ?",
            "UPDATE topic SET deleted = 1 WHERE id = ?",
        ] {
            try rows.execute(sql: sql, arguments: [id.data])
        }
    }

    static func purge(_ id: UUID16, _ rows: Database) throws {
        try rows.execute(sql: "DELETE FROM topic WHERE id = ? AND deleted", arguments: [id.data])
    }

    private static func insertConfiguration(of topic: Topic, _ rows: Database) throws {
        for (key, value) in topic.configuration.values {
            try rows.execute(
                sql: "INSERT INTO topic_config (topic_id, k, v) VALUES (?, ?, ?)",
                arguments: [topic.id.data, key, value]
            )
        }
    }

    /// What is stored of topics.
    private static func image(leaderEpoch: Int32, _ rows: Database) throws -> MetadataImage {
        var configurations: [UUID16: [String: String]] = [:]
        for row in try Row.fetchAll(rows, sql: "SELECT topic_id, k, v FROM topic_config") {
            let id = try UUID16(stored: row.decode(atIndex: 0))
            let key: String = try row.decode(atIndex: 1)
            configurations[id, default: [:]][key] = try row.decode(atIndex: 2)
        }
        var image = MetadataImage(leaderEpoch: leaderEpoch)
        let sql = "SELECT id, name, partitions, created, deleted FROM topic"
        for row in try Row.fetchAll(rows, sql: sql) {
            let id = try UUID16(stored: row.decode(atIndex: 0))
            let topic = Topic(
                id: id,
                name: try row.decode(atIndex: 1),
                partitionCount: try row.decode(atIndex: 2),
                creationDate: try row.decode(atIndex: 3),
                leaderEpoch: leaderEpoch,
                configuration: TopicConfiguration(stored: configurations[id] ?? [:])
            )
            do throws(BrokerError) {
                try Topic.validate(name: topic.name)
                try Topic.validate(partitionCount: topic.partitionCount)
            } catch {
                throw damage("topic \"\(topic.name)\": \(error.message)")
            }
            if try row.decode(atIndex: 4) {
                image.deletedTopicIDs.insert(id)
            } else {
                image.set(topic)
            }
        }
        return image
    }
}

/// Kept as the 16 bytes.
extension UUID16 {
    var data: Data { Data(bytes) }

    /// Reads what is stored.
    init(stored data: Data) throws {
        guard data.count == 16 else {
            throw MetadataDatabase.damage("the id of a topic has \(data.count) bytes, not 16")
        }
        let halves = [data.prefix(8), data.suffix(8)].map { half in
            half.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        self.init(high: halves[0], low: halves[1])
    }
}
