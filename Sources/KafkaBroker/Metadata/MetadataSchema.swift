import GRDB

extension MetadataDatabase {
    /// The tables, as a list of steps: a step that was released is never changed, only followed.
    static var schema: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("topics, groups and offsets") { database in
            try database.execute(
                sql: """
                    CREATE TABLE meta (
                        k TEXT PRIMARY KEY,
                        v TEXT NOT NULL
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE topic (
                        id BLOB PRIMARY KEY CHECK (length(id) = 16),
                        name TEXT NOT NULL,
                        partitions INTEGER NOT NULL CHECK (partitions > 0),
                        created INTEGER NOT NULL,
                        epoch INTEGER NOT NULL,
                        deleted INTEGER NOT NULL DEFAULT 0
                    ) STRICT, WITHOUT ROWID;
                    CREATE UNIQUE INDEX topic_name ON topic (name) WHERE NOT deleted;

                    CREATE TABLE topic_config (
                        topic_id BLOB NOT NULL REFERENCES topic (id) ON DELETE CASCADE,
                        k TEXT NOT NULL,
                        v TEXT NOT NULL,
                        PRIMARY KEY (topic_id, k)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE "group" (
                        id TEXT PRIMARY KEY,
                        generation INTEGER NOT NULL,
                        protocol_type TEXT,
                        protocol TEXT,
                        leader TEXT,
                        members TEXT NOT NULL,
                        empty_since INTEGER
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE "offset" (
                        group_id TEXT NOT NULL REFERENCES "group" (id) ON DELETE CASCADE,
                        topic_id BLOB NOT NULL REFERENCES topic (id) ON DELETE CASCADE,
                        partition INTEGER NOT NULL,
                        "offset" INTEGER NOT NULL,
                        epoch INTEGER NOT NULL,
                        metadata TEXT NOT NULL,
                        committed INTEGER NOT NULL,
                        PRIMARY KEY (group_id, topic_id, partition)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX offset_topic ON "offset" (topic_id);
                    """
            )
        }
        migrator.registerMigration("offsets of transactions") { database in
            try database.execute(
                sql: """
                    CREATE TABLE txn_offset (
                        producer_id INTEGER NOT NULL,
                        group_id TEXT NOT NULL REFERENCES "group" (id) ON DELETE CASCADE,
                        topic_id BLOB NOT NULL REFERENCES topic (id) ON DELETE CASCADE,
                        partition INTEGER NOT NULL,
                        "offset" INTEGER NOT NULL,
                        epoch INTEGER NOT NULL,
                        metadata TEXT NOT NULL,
                        PRIMARY KEY (producer_id, group_id, topic_id, partition)
                    ) STRICT, WITHOUT ROWID;
                    """
            )
        }
        migrator.registerMigration("transactions") { database in
            try database.execute(
                sql: """
                    CREATE TABLE txn (
                        id TEXT PRIMARY KEY,
                        producer TEXT NOT NULL,
                        previous_producer_id INTEGER NOT NULL,
                        last_epoch INTEGER NOT NULL,
                        timeout INTEGER NOT NULL,
                        state TEXT NOT NULL,
                        partitions TEXT NOT NULL,
                        groups TEXT NOT NULL,
                        started INTEGER,
                        updated INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    """
            )
        }
        return migrator
    }
}
