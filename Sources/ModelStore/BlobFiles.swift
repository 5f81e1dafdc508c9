// The files `blobs/ab/cdef….safetensors`, named by the SHA-256 of their bytes. A file appears under
// its name only when all of it is on the disk: bytes go to `blobs/incoming-…`, are flushed, and are
// then renamed. The writer holds the lock of its incoming file, so that whoever opens the store
// later can tell what a dead writer has left behind.
import Foundation

/// The store's content-addressed files; holds no state but the directory's path.
struct BlobFiles: Sendable {
    private static let incomingPrefix = "incoming-"

    private let directory: String

    /// The files in `directory`, which is created when missing.
    init(directory: String) throws(ModelStoreError) {
        self.directory = directory
        try OpenFile.makeDirectory(directory)
        removeAbandoned()
    }

    func path(_ blob: BlobReference) -> String {
        "\(directory)/\(blob.hash.prefix(2))/\(blob.hash.dropFirst(2)).safetensors"
    }

    /// Writes the concatenated chunks, and returns when they are durable.
    func write(_ chunks: [[UInt8]]) throws(ModelStoreError) -> BlobReference {
        let blob = try reference(chunks)
        let target = path(blob)
        let folder = "\(directory)/\(blob.hash.prefix(2))"
        try OpenFile.makeDirectory(folder)
        // An existing file of another content is a damaged one: it is replaced.
        if (try? read(blob)) == nil {
            try write(chunks, to: target)
        }
        // Also for an existing file: its writer may be about to do this, or have died before.
        try OpenFile.synchronizeDirectory(folder)
        return blob
    }

    /// The bytes of a blob, which are checked against its hash.
    func read(_ blob: BlobReference) throws(ModelStoreError) -> [UInt8] {
        if let problem = problem(blob) { throw problem }
        let bytes = try OpenFile(path(blob), O_RDONLY).bytes(count: Int(blob.byteCount))
        let hash = try SHA256.hash(bytes)
        guard hash == blob.hash else {
            throw damaged(blob, "its SHA-256 is \(hash)")
        }
        return bytes
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

    private func reference(_ chunks: [[UInt8]]) throws(ModelStoreError) -> BlobReference {
        var digest = try SHA256()
        var byteCount: Int64 = 0
        for chunk in chunks {
            try digest.update(chunk)
            byteCount += Int64(chunk.count)
        }
        return BlobReference(hash: try digest.finish(), byteCount: byteCount)
    }

    private func write(_ chunks: [[UInt8]], to target: String) throws(ModelStoreError) {
        let file = try makeIncoming()
        do throws(ModelStoreError) {
            for chunk in chunks {
                try file.append(chunk)
            }
            try file.synchronize()
            guard rename(file.path, target) == 0 else { throw .system(errno, "write", target) }
        } catch {
            unlink(file.path)
            throw error
        }
    }

    /// A new, empty, locked file.
    ///
    /// One that was taken for abandoned between its creation and its
    /// lock is given up for another.
    private func makeIncoming() throws(ModelStoreError) -> OpenFile {
        while true {
            let path = "\(directory)/\(Self.incomingPrefix)\(UUID().uuidString)"
            let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL)
            try file.lock()
            if file.isLinked { return file }
        }
    }

    /// Removes what writers that died have left: incoming files that nobody has locked.
    private func removeAbandoned() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasPrefix(Self.incomingPrefix) {
            let path = "\(directory)/\(name)"
            if let file = try? OpenFile(path, O_WRONLY), file.tryLock() {
                unlink(path)
            }
        }
    }
}
