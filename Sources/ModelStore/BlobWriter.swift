import Foundation

/// Takes the bytes of one file of the store, piece by piece, while `ModelStore.writeBlob` runs.
///
/// Owned by the thread that writes. Pieces are hashed as they come; small ones are gathered, so
/// that a piece may be as short as one number.
public final class BlobWriter {
    /// Large enough that a system call costs nothing beside the hash of as many bytes.
    private static let gatheredByteCount = 256 << 10

    /// Bytes that are made durable at once.
    ///
    /// A whole model at once would make everyone who syncs another file, the journal and the broker
    /// among them, wait for all of it.
    private static let syncedByteCount = 32 << 20

    let file: HeldFile
    private var digest: SHA256
    private var gathered: [UInt8] = []
    private var byteCount: Int64 = 0
    /// What was written since the file was synced last.
    private var unsyncedByteCount = 0
    private var failure: ModelStoreError?

    init(_ file: HeldFile) throws(ModelStoreError) {
        self.file = file
        digest = try SHA256()
        gathered.reserveCapacity(Self.gatheredByteCount)
    }

    /// Appends bytes; they are durable only when `writeBlob` returns.
    ///
    /// After a failure every further call fails as the first did.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(ModelStoreError) {
        if let failure { throw failure }
        do throws(ModelStoreError) {
            try digest.update(bytes)
            byteCount += Int64(bytes.count)
            if gathered.count + bytes.count > Self.gatheredByteCount {
                try flush()
            }
            if bytes.count >= Self.gatheredByteCount {
                try write(bytes)
            } else {
                gathered.append(contentsOf: bytes)
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// Appends bytes, as the other form does.
    public func append(_ bytes: [UInt8]) throws(ModelStoreError) {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(ModelStoreError) in try append(buffer) }
        }.get()
    }

    /// Hands the rest to the operating system, and tells what was written; nothing can follow.
    func finish() throws(ModelStoreError) -> BlobReference {
        if let failure { throw failure }
        try flush()
        failure = ModelStoreError(
            .invalid,
            "bytes came after the end of \(file.file.path)",
            remedy: "append only while writeBlob runs"
        )
        return BlobReference(hash: try digest.finish(), byteCount: byteCount)
    }

    private func flush() throws(ModelStoreError) {
        try gathered.withUnsafeBytes { buffer in
            Result { () throws(ModelStoreError) in try write(buffer) }
        }.get()
        gathered.removeAll(keepingCapacity: true)
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(ModelStoreError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, Self.syncedByteCount - unsyncedByteCount)
            try file.file.append(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            unsyncedByteCount += count
            guard unsyncedByteCount == Self.syncedByteCount else { continue }
            try file.file.synchronize()
            unsyncedByteCount = 0
        }
    }
}

/// An open and locked file that several may hold; the lock ends with the last of them.
final class HeldFile: Sendable {
    let file: OpenFile

    init(_ file: consuming OpenFile) {
        self.file = file
    }
}
