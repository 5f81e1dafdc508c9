// The files `blobs/ab/cdef….safetensors`, named by the SHA-256 of their bytes. A file appears under
// its name only when all of it is on the disk: bytes go to `blobs/incoming-…`, are flushed, and are
// then renamed. A writer shares the lock of its file until the version is recorded, so that
// others can tell what a dead writer has left behind from what will be referenced in a moment. A path
// that leads to an intact file leads to the same one until it is deleted, so that the lock holds.
import Foundation
import Synchronization

/// The store's content-addressed files.
final class BlobFiles: Sendable {
    private static let incomingPrefix = "incoming-"
    private static let suffix = ".safetensors"
    /// How much of a file is read at once.
    private static let pieceByteCount = 1 << 20
    /// Files kept locked for a version to come: a trainer writes one at a time, and what fails to be
    /// recorded is written again under another name.
    private static let maximumHeldCount = 8

    private let directory: String
    private let faults: FaultPoint
    /// Written by this store object and not yet recorded, the newest last.
    private let held = Mutex<[(hash: String, file: HeldFile)]>([])

    /// The files in `directory`, which is created when missing.
    init(directory: String, faults: FaultPoint) throws(ModelStoreError) {
        self.directory = directory
        self.faults = faults
        try OpenFile.makeDirectory(directory)
        removeAbandoned()
    }

    func path(_ blob: BlobReference) -> String {
        "\(directory)/\(blob.hash.prefix(2))/\(blob.hash.dropFirst(2))\(Self.suffix)"
    }

    // MARK: - Writing

    /// Writes what `body` appends, and returns when it is durable.
    ///
    /// An intact file of the same content is kept, a damaged one replaced.
    func write(
        _ body: (BlobWriter) throws(ModelStoreError) -> Void
    ) throws(ModelStoreError) -> BlobReference {
        let file = try makeIncoming()
        do throws(ModelStoreError) {
            let writer = try BlobWriter(file)
            faults.reach(.beforeWrite)
            try body(writer)
            let blob = try writer.finish()
            faults.reach(.afterWrite)
            try file.file.synchronize()
            faults.reach(.afterSync)
            let folder = (path(blob) as NSString).deletingLastPathComponent
            try OpenFile.makeDirectory(folder)
            keep(try name(file, blob), blob)
            faults.reach(.afterRename)
            try OpenFile.synchronizeDirectory(folder)
            return blob
        } catch {
            unlink(file.file.path)
            throw error
        }
    }

    /// A file that goes with this process, however it ends: it has no name.
    func makeSpool() throws(ModelStoreError) -> SpoolFile {
        let path = "\(directory)/\(Self.incomingPrefix)\(UUID().uuidString)"
        let file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL)
        // What dies here leaves what any writer leaves that dies.
        faults.reach(.beforeWrite)
        unlink(path)
        return SpoolFile(file)
    }

    /// Protects a file from being taken for abandoned until its version is recorded.
    ///
    /// Throws when the file is not there in its size.
    func hold(_ blob: BlobReference) throws(ModelStoreError) {
        if let problem = problem(blob) { throw problem }
        guard !held.withLock({ $0.contains { $0.hash == blob.hash } }) else { return }
        let file = HeldFile(try OpenFile(path(blob), O_RDONLY))
        try file.file.lockShared()
        guard file.file.isLinked else { throw .system(ENOENT, "find blob", path(blob)) }
        keep(file, blob)
    }

    /// Ends the protection of a file: a version names it now.
    func release(_ blob: BlobReference) {
        held.withLock { $0.removeAll { $0.hash == blob.hash } }
    }

    private func keep(_ file: HeldFile, _ blob: BlobReference) {
        held.withLock { held in
            held.removeAll { $0.hash == blob.hash }
            if held.count == Self.maximumHeldCount { held.removeFirst() }
            held.append((blob.hash, file))
        }
    }

    /// Gives a complete file its name; returns the file that has it, which may be another's.
    private func name(
        _ file: HeldFile,
        _ blob: BlobReference
    ) throws(ModelStoreError) -> HeldFile {
        let target = path(blob)
        while true {
            let found = try existing(target)
            if let found {
                try found.file.lockShared()
                if (try? verify(blob)) != nil, found.file.identity == OpenFile.identity(of: target)
                {
                    unlink(file.file.path)
                    return found
                }
            }
            let isNamed = try withNamesLocked { () throws(ModelStoreError) in
                // Another writer may have named an intact file since.
                guard found?.file.identity == OpenFile.identity(of: target) else { return false }
                guard rename(file.file.path, target) == 0 else {
                    throw .system(errno, "write", target)
                }
                return true
            }
            if isNamed { return file }
        }
    }

    /// The file at a path; nil when there is none.
    private func existing(_ path: String) throws(ModelStoreError) -> HeldFile? {
        do throws(ModelStoreError) {
            return HeldFile(try OpenFile(path, O_RDONLY))
        } catch {
            guard error.kind == .missing else { throw error }
            return nil
        }
    }

    /// A new, empty, locked file.
    ///
    /// One that was taken for abandoned between its creation and its
    /// lock is given up for another.
    private func makeIncoming() throws(ModelStoreError) -> HeldFile {
        while true {
            let path = "\(directory)/\(Self.incomingPrefix)\(UUID().uuidString)"
            let file = HeldFile(try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL))
            try file.file.lockShared()
            if file.file.isLinked { return file }
        }
    }

    /// Runs the body while no other process gives or takes away a file's name.
    private func withNamesLocked<Value>(
        _ body: () throws(ModelStoreError) -> Value
    ) throws(ModelStoreError) -> Value {
        let names = try OpenFile("\(directory).lock", O_RDWR | O_CREAT)
        try names.lock()
        return try body()
    }

    // MARK: - Reading

    /// The bytes of a blob, which are checked against its hash.
    func read(_ blob: BlobReference) throws(ModelStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece(of: blob) { piece in
            if bytes.isEmpty { bytes.reserveCapacity(Int(blob.byteCount)) }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }

    /// Reads a blob in pieces and throws unless it has its hash.
    func verify(_ blob: BlobReference) throws(ModelStoreError) {
        try forEachPiece(of: blob) { _ in }
    }

    private func forEachPiece(
        of blob: BlobReference,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(ModelStoreError) {
        if let problem = problem(blob) { throw problem }
        let file = try OpenFile(path(blob), O_RDONLY)
        var digest = try SHA256()
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.pieceByteCount,
            alignment: 16
        )
        defer { memory.deallocate() }
        while true {
            let count = file.read(into: memory)
            guard count >= 0 else {
                let code = errno
                // A sector that cannot be read is as lost as one with other bytes.
                throw code == EIO
                    ? damaged(blob, String(cString: strerror(code)))
                    : .system(code, "read", file.path)
            }
            if count == 0 { break }
            let piece = UnsafeRawBufferPointer(rebasing: memory[..<count])
            try digest.update(piece)
            body(piece)
        }
        let hash = try digest.finish()
        guard hash == blob.hash else { throw damaged(blob, "its SHA-256 is \(hash)") }
    }

    /// What is wrong with a blob, as far as can be seen without reading it.
    func problem(_ blob: BlobReference) -> ModelStoreError? {
        guard blob.isWellFormed else {
            return ModelStoreError(
                .invalid,
                "\"\(blob.hash.prefix(80))\" with \(blob.byteCount) bytes names no blob",
                remedy: "a blob is named by 64 hexadecimal digits and a size of 0 or more"
            )
        }
        var status = stat()
        guard stat(path(blob), &status) == 0 else {
            return .system(errno, "find blob", path(blob))
        }
        guard Int64(status.st_size) == blob.byteCount else {
            return damaged(blob, "it has \(status.st_size) bytes instead of \(blob.byteCount)")
        }
        return nil
    }

    private func damaged(_ blob: BlobReference, _ finding: String) -> ModelStoreError {
        ModelStoreError(
            .damaged,
            "blob \(path(blob)) is damaged: \(finding)",
            remedy: "restore the file from a copy, or use an older version and replay from there"
        )
    }

    // MARK: - Removing

    /// Deletes the files that no version refers to and no living writer has locked.
    ///
    /// `isReferenced` is asked with a hash when no version of it can be about to be recorded: what
    /// it answers stays true until the file is deleted. Returns how many files and bytes went.
    func deleteUnreferenced(
        _ isReferenced: (String) throws(ModelStoreError) -> Bool
    ) throws(ModelStoreError) -> (fileCount: Int, byteCount: Int64) {
        removeAbandoned()
        var total: (fileCount: Int, byteCount: Int64) = (0, 0)
        for folder in names(in: directory) where folder.utf8.count == 2 {
            for name in names(in: "\(directory)/\(folder)") where name.hasSuffix(Self.suffix) {
                let hash = folder + name.dropLast(Self.suffix.count)
                let blob = BlobReference(hash: hash, byteCount: 0)
                // Most are referenced: they are not locked to find that out.
                guard blob.isWellFormed, try !isReferenced(hash),
                    let byteCount = try deleteUnlocked(
                        path(blob),
                        { () throws(ModelStoreError) in
                            try !isReferenced(hash)
                        }
                    )
                else { continue }
                total.fileCount += 1
                total.byteCount += byteCount
            }
        }
        return total
    }

    /// Deletes a file unless a writer has locked it or, then, the condition does not hold.
    ///
    /// Returns how many bytes it had; nil when it stays.
    private func deleteUnlocked(
        _ path: String,
        _ condition: () throws(ModelStoreError) -> Bool
    ) throws(ModelStoreError) -> Int64? {
        try withNamesLocked { () throws(ModelStoreError) in
            guard let file = try existing(path), file.file.tryLock(), try condition() else {
                return nil
            }
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            faults.reach(.beforeDelete)
            guard unlink(path) == 0 else { throw .system(errno, "delete", path) }
            faults.reach(.afterDelete)
            return Int64(status.st_size)
        }
    }

    /// Removes what writers that died have left: incoming files that nobody has locked.
    func removeAbandoned() {
        for name in names(in: directory) where name.hasPrefix(Self.incomingPrefix) {
            let path = "\(directory)/\(name)"
            if let file = try? OpenFile(path, O_WRONLY), file.tryLock() {
                unlink(path)
            }
        }
    }

    private func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }
}
