import GRDB

/// The database's tables.
///
/// A migration that has been released is never changed: add another.
enum Schema {
    /// Brings the tables up to date, or to where they were after a migration of a name.
    static func migrate(_ pool: DatabasePool, upTo name: String? = nil) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("versions, journal, aliases") { db in
            try db.execute(sql: versionsJournalAliases)
        }
        migrator.registerMigration("branches, increments, actions") { db in
            try db.execute(sql: branchesIncrementsActions)
        }
        if try pool.read(migrator.hasBeenSuperseded) {
            throw ModelStoreError(
                .invalid,
                "model store \(pool.path) was made by a newer freshet",
                remedy: "use that version of freshet, or name another store directory"
            )
        }
        if let name {
            try migrator.migrate(pool, upTo: name)
        } else {
            try migrator.migrate(pool)
        }
    }

    /// The tables; STRICT lets SQLite refuse values of a wrong type.
    ///
    /// All moments are milliseconds since 1970. `source.nextOffset` is the first offset of a partition that a model has not journalled.
    private static let versionsJournalAliases = """
        CREATE TABLE model (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            epoch INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE source (
            id INTEGER PRIMARY KEY,
            modelID INTEGER NOT NULL REFERENCES model,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            nextOffset INTEGER NOT NULL,
            UNIQUE (modelID, topic, partition)
        ) STRICT;

        CREATE TABLE journal (
            modelID INTEGER NOT NULL REFERENCES model,
            position INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            sourceID INTEGER NOT NULL REFERENCES source,
            firstOffset INTEGER NOT NULL,
            lastOffset INTEGER NOT NULL,
            PRIMARY KEY (modelID, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE version (
            modelID INTEGER NOT NULL REFERENCES model,
            number INTEGER NOT NULL,
            parent INTEGER,
            epoch INTEGER NOT NULL,
            kind TEXT NOT NULL,
            blobHash TEXT NOT NULL,
            blobByteCount INTEGER NOT NULL,
            settings TEXT NOT NULL,
            codeRevision TEXT NOT NULL,
            journalPosition INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            updateHash TEXT NOT NULL,
            updatesOffset INTEGER NOT NULL,
            watermark INTEGER NOT NULL,
            eventCount INTEGER NOT NULL,
            createdAt INTEGER NOT NULL,
            PRIMARY KEY (modelID, number)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX versionByJournalPosition ON version (modelID, journalPosition);

        CREATE TABLE versionOffset (
            modelID INTEGER NOT NULL,
            version INTEGER NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            nextOffset INTEGER NOT NULL,
            PRIMARY KEY (modelID, version, topic, partition),
            FOREIGN KEY (modelID, version) REFERENCES version
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE versionMetric (
            modelID INTEGER NOT NULL,
            version INTEGER NOT NULL,
            place INTEGER NOT NULL,
            name TEXT NOT NULL,
            value REAL,
            PRIMARY KEY (modelID, version, place),
            FOREIGN KEY (modelID, version) REFERENCES version
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE alias (
            modelID INTEGER NOT NULL,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            PRIMARY KEY (modelID, name),
            FOREIGN KEY (modelID, version) REFERENCES version
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE aliasMove (
            id INTEGER PRIMARY KEY,
            modelID INTEGER NOT NULL REFERENCES model,
            alias TEXT NOT NULL,
            previous INTEGER,
            version INTEGER NOT NULL,
            reason TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        """

    /// Models that exist get a root branch with all their versions; moves of aliases become actions.
    private static let branchesIncrementsActions = """
        CREATE TABLE branch (
            id INTEGER PRIMARY KEY,
            modelID INTEGER NOT NULL REFERENCES model,
            parent INTEGER REFERENCES branch,
            parentPosition INTEGER NOT NULL,
            parentVersion INTEGER,
            start INTEGER NOT NULL,
            reason TEXT NOT NULL,
            createdAt INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE exclusion (
            branchID INTEGER NOT NULL REFERENCES branch,
            place INTEGER NOT NULL,
            topic TEXT,
            partition INTEGER,
            firstOffset INTEGER,
            lastOffset INTEGER,
            userHash TEXT,
            PRIMARY KEY (branchID, place)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO branch (modelID, parentPosition, start, reason, createdAt)
            SELECT id, 0, 0, '', 0 FROM model ORDER BY id;
        ALTER TABLE model ADD COLUMN branchID INTEGER REFERENCES branch;
        UPDATE model SET branchID = (SELECT branch.id FROM branch WHERE modelID = model.id);

        ALTER TABLE version ADD COLUMN base INTEGER;
        ALTER TABLE version ADD COLUMN branchID INTEGER REFERENCES branch;
        ALTER TABLE version ADD COLUMN isPruned INTEGER NOT NULL DEFAULT 0;
        UPDATE version SET branchID = (SELECT branchID FROM model WHERE id = modelID);
        CREATE INDEX versionWithFile ON version (modelID, number) WHERE isPruned = 0;
        CREATE INDEX versionByBlob ON version (blobHash) WHERE isPruned = 0;

        CREATE TABLE action (
            id INTEGER PRIMARY KEY,
            modelID INTEGER NOT NULL REFERENCES model,
            kind TEXT NOT NULL,
            version INTEGER NOT NULL,
            alias TEXT,
            previous INTEGER,
            branch INTEGER REFERENCES branch,
            epoch INTEGER,
            reason TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;

        INSERT INTO action (modelID, kind, version, alias, previous, reason, at)
            SELECT modelID, 'promote', version, alias, previous, reason, at
            FROM aliasMove ORDER BY id;
        DROP TABLE aliasMove;
        """
}
