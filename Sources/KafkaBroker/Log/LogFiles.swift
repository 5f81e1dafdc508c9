import Foundation

/// The operations on files that can fail in the field; tests pass in ones that do.
protocol LogFiles: Sendable {
    /// Writes two pieces one after the other, with one system call.
    ///
    /// - Returns: How many bytes were written, or an `errno` negated.
    func write(
        _ head: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        to descriptor: Int32,
        at position: Int
    ) -> Int

    /// Brings a file's bytes and size to stable storage; returns 0 or an `errno`.
    func synchronize(_ descriptor: Int32) -> Int32

    /// Cuts a file to a size; returns 0 or an `errno`.
    func truncate(_ descriptor: Int32, to byteCount: Int) -> Int32

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
        while true {
            let written = pwritev(descriptor, pieces, 2, off_t(position))
            if written >= 0 { return written }
            if errno != EINTR { return -Int(errno) }
        }
    }

    func synchronize(_ descriptor: Int32) -> Int32 {
        while true {
            #if os(Linux)
                let status = fdatasync(descriptor)
            #else
                // fsync does not reach the platter on macOS.
                let status = fcntl(descriptor, F_FULLFSYNC)
            #endif
            if status >= 0 { return 0 }
            if errno != EINTR { return errno }
        }
    }

    func truncate(_ descriptor: Int32, to byteCount: Int) -> Int32 {
        ftruncate(descriptor, off_t(byteCount)) == 0 ? 0 : errno
    }

    func freeByteCount(at path: String) -> Int64? {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        let bytes = UInt64(info.f_bavail).multipliedReportingOverflow(by: UInt64(info.f_frsize))
        return bytes.overflow ? nil : Int64(clamping: bytes.partialValue)
    }
}
