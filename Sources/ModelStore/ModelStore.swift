// A directory that holds a model's history: `store.sqlite` for what is asked about, `blobs/` for
// what is big. SQLite runs in WAL mode, so that scorers and tools read while a trainer writes, each
// in its own process; every commit is flushed to the disk (synchronous=FULL) before a call returns.
import Foundation
import GRDB

/// Versions of models, their files, aliases, and the journal of what each model has learned.
///
/// The store knows no model: a checkpoint is bytes. All calls block; make them on own threads.
/// Several processes may use one store at once.
public final class ModelStore: Sendable {
    /// The store's directory.
    public let directory: String

    /// How long a call waits for another process's transaction: transactions here take
    /// milliseconds, but a flush on a busy disk can take seconds.
    private static let busyTimeout: TimeInterval = 30

    let files: BlobFiles
    let faults: FaultPoint
    private let pool: DatabasePool

    /// Opens a store; creates the directory and brings the schema up to date where needed.
    ///
    /// Throws when the directory cannot be written, the disk is full, the database is damaged, or
    /// a newer program made it.
    public init(directory: String) throws(ModelStoreError) {
        self.directory = directory
        faults = try FaultPoint(ProcessInfo.processInfo.environment[FaultPoint.variable])
        try OpenFile.makeDirectory(directory)
        // Processes that start together take turns at creating the schema.
        let opening = try OpenFile("\(directory)/store.lock", O_RDWR | O_CREAT)
        try opening.lock()
        files = try BlobFiles(directory: "\(directory)/blobs", faults: faults)
        do {
            pool = try Self.openPool("\(directory)/store.sqlite")
            try Schema.migrate(pool)
        } catch {
            throw .wrapping(error, directory)
        }
    }

    private static func openPool(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busyTimeout)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // The pool has just lowered it to NORMAL, which may lose the last commits with the power.
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        return pool
    }

    /// Reads one consistent state of the database.
    func read<Value>(_ body: (Database) throws -> Value) throws(ModelStoreError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw .wrapping(error, directory)
        }
    }

    /// Runs one transaction: all of it is durable on return, or none of it has happened.
    func write<Value>(_ body: (Database) throws -> Value) throws(ModelStoreError) -> Value {
        do {
            let value = try pool.write { db in
                let value = try body(db)
                faults.reach(.beforeCommit)
                return value
            }
            faults.reach(.afterCommit)
            return value
        } catch {
            throw .wrapping(error, directory)
        }
    }

    /// For what SQLite does not allow within a transaction.
    func writeWithoutTransaction(_ body: (Database) throws -> Void) throws(ModelStoreError) {
        do {
            try pool.writeWithoutTransaction(body)
        } catch {
            throw .wrapping(error, directory)
        }
    }

    /// The value of SQLite's `synchronous` on the connection that writes: 2 is FULL.
    func writerSynchronousLevel() throws(ModelStoreError) -> Int? {
        try write { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
    }
}

extension ModelStore {
    /// Throws `.damaged` unless the pages of the database, its indexes and references fit together.
    ///
    /// Reads all of it.
    public func checkDatabase() throws(ModelStoreError) {
        let findings = try read { db in
            let pages = try String.fetchAll(db, sql: "PRAGMA integrity_check(3)")
            let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").prefix(3)
            return pages.filter { $0 != "ok" }
                + orphans.map { "\($0[0] as String) names what is not there" }
        }
        guard !findings.isEmpty else { return }
        throw ModelStoreError(
            .damaged,
            "the database \(directory)/store.sqlite is damaged: \(findings.joined(separator: "; "))",
            remedy: "restore the store from a copy, or start an empty one and replay the topics"
        )
    }

    /// Writes what the body appends as one file named by its SHA-256; durable on return.
    ///
    /// Pieces are hashed and written as they come, so that a file larger than memory can be written.
    /// When the body throws nothing is left. An intact file of the same content is kept, a damaged
    /// one replaced. A file that no version names may be deleted when this store object is gone.
    public func writeBlob(
        _ body: (BlobWriter) throws(ModelStoreError) -> Void
    ) throws(ModelStoreError) -> BlobReference {
        try files.write(body)
    }

    /// Writes pieces, one after another, as the other form does.
    public func writeBlob(_ pieces: [[UInt8]]) throws(ModelStoreError) -> BlobReference {
        try writeBlob { writer throws(ModelStoreError) in
            for piece in pieces { try writer.append(piece) }
        }
    }

    /// Room on the store's disk for what is to become part of a file; it leaves nothing behind.
    public func makeSpool() throws(ModelStoreError) -> SpoolFile {
        try files.makeSpool()
    }

    /// Reads a file in pieces, and throws as `readBlob` does unless it is what was written.
    public func verify(_ blob: BlobReference) throws(ModelStoreError) {
        try files.verify(blob)
    }

    /// The bytes of a file, checked against its size and hash.
    ///
    /// Throws `.missing` when there is none, `.damaged` when it is not what was written, and
    /// `.invalid` when the reference names no file.
    public func readBlob(_ blob: BlobReference) throws(ModelStoreError) -> [UInt8] {
        try files.read(blob)
    }

    /// Where a file is, whether or not it exists.
    public func blobPath(_ blob: BlobReference) -> String {
        files.path(blob)
    }
}
