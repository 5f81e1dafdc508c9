import Foundation

/// The operations on files that can fail in the field; tests pass in ones that do.
///
/// Each returns an `errno` negated if it fails.
protocol LogFiles: Sendable {
    /// Writes two pieces one after the other with one system call; returns how many bytes.
    func write(
        _ head: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        to descriptor: Int32,
        at position: Int
    ) -> Int

    /// Brings a file's bytes and size to stable storage.
    func synchronize(_ descriptor: Int32) -> Int

    /// Brings the names in a directory to stable storage.
    func synchronizeDirectory(_ path: String) -> Int

    /// Cuts a file to a size.
    func truncate(_ descriptor: Int32, to byteCount: Int) -> Int

    /// How much space is left where a path is; nil if that cannot be found out.
    func freeByteCount(at path: String) -> Int64?
}

/// The operating system's files.
struct SystemLogFiles: LogFiles {
    func write(
        _ head: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        to descriptor: Int32,
        at position: Int
    ) -> Int {
        // pwritev does not write through the pointers: they are mutable only in C's signature.
        let pieces = [
            iovec(iov_base: .init(mutating: head.baseAddress), iov_len: head.count),
            iovec(iov_base: .init(mutating: body.baseAddress), iov_len: body.count),
        ]
        return uninterrupted { pwritev(descriptor, pieces, 2, off_t(position)) }
    }

    func synchronize(_ descriptor: Int32) -> Int {
        #if os(Linux)
            uninterrupted { Int(fdatasync(descriptor)) }
        #else
            // fsync does not reach the platter on macOS.
            uninterrupted { Int(fcntl(descriptor, F_FULLFSYNC)) }
        #endif
    }

    func synchronizeDirectory(_ path: String) -> Int {
        let descriptor = uninterrupted { Int(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) }
        guard descriptor >= 0 else { return descriptor }
        defer { close(Int32(descriptor)) }
        return uninterrupted { Int(fsync(Int32(descriptor))) }
    }

    func truncate(_ descriptor: Int32, to byteCount: Int) -> Int {
        uninterrupted { Int(ftruncate(descriptor, off_t(byteCount))) }
    }

    func freeByteCount(at path: String) -> Int64? {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        let bytes = UInt64(info.f_bavail).multipliedReportingOverflow(by: UInt64(info.f_frsize))
        return bytes.overflow ? nil : Int64(clamping: bytes.partialValue)
    }
}

/// Makes a system call again as long as signals interrupt it.
///
/// - Returns: What it returns, or `errno` negated.
private func uninterrupted(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { return -Int(errno) }
    }
}

/// An open file of a log; closed when the last user lets go of it.
///
/// Reading and writing name their positions, so several threads may use it at once.
final class SegmentFile: Sendable {
    let path: String
    let descriptor: Int32

    /// Opens a file, or creates it.
    init(path: String, creates: Bool = false, isReadOnly: Bool = false) throws(BrokerError) {
        self.path = path
        let mode = isReadOnly ? O_RDONLY : O_RDWR | (creates ? O_CREAT : 0)
        descriptor = open(path, mode | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.failure("open", path) }
    }

    deinit { close(descriptor) }

    /// Reads until the buffer is full or the file ends; returns how many bytes.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(BrokerError)
        -> Int
    {
        var count = 0
        while count < buffer.count, let start = buffer.baseAddress {
            let read = uninterrupted {
                pread(descriptor, start + count, buffer.count - count, off_t(position + count))
            }
            guard read >= 0 else { throw FileSystem.failure("read", path, read) }
            if read == 0 { break }
            count += read
        }
        return count
    }

    /// Reads exactly so many bytes as there is room for.
    func readAll(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(BrokerError) {
        let count = try read(into: buffer, at: position)
        guard count == buffer.count else {
            throw BrokerError(
                .storage,
                "\(path) ends at byte \(position + count), more was written",
                remedy: "restart the broker: it recovers what is left of the log"
            )
        }
    }

    /// Brings the bytes and the size to stable storage; blocks.
    func synchronize(_ files: any LogFiles = SystemLogFiles()) throws(BrokerError) {
        let code = files.synchronize(descriptor)
        guard code >= 0 else { throw FileSystem.failure("sync", path, code) }
    }

    /// Cuts the file to a size.
    func truncate(to byteCount: Int, _ files: any LogFiles) throws(BrokerError) {
        let code = files.truncate(descriptor, to: byteCount)
        guard code >= 0 else { throw FileSystem.failure("truncate", path, code) }
    }
}
