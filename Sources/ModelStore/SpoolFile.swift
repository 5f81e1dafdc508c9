import Synchronization

/// Bytes that wait on the store's disk until they become part of a file there.
///
/// The file has no name: its room is free again when this object or the process is gone. May be read
/// from several threads; one appends.
public final class SpoolFile: Sendable {
    private let file: OpenFile
    private let end = Atomic(0)

    init(_ file: consuming OpenFile) { self.file = file }

    /// Bytes in the file.
    public var byteCount: Int { end.load(ordering: .acquiring) }

    /// Appends bytes, and returns the offset at which they begin.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(ModelStoreError) -> Int {
        let start = byteCount
        try file.write(bytes, at: start)
        end.store(start + bytes.count, ordering: .releasing)
        return start
    }

    /// Drops what was appended from an offset on, and gives its room back.
    public func truncate(to byteCount: Int) {
        end.store(byteCount, ordering: .releasing)
        file.truncate(to: byteCount)
    }

    /// Fills `target` with the bytes at an offset.
    public func read(
        at offset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(ModelStoreError) {
        try file.read(at: offset, into: target)
    }
}
