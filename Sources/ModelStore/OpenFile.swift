import Foundation

/// One open file or directory; closed when it goes out of scope.
struct OpenFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    /// Opens `path` with the flags of open(2); a file that is created is this user's alone.
    init(_ path: String, _ flags: Int32) throws(ModelStoreError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
    }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) throws(ModelStoreError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            guard count >= 0 || errno == EINTR else { throw .system(errno, "write", path) }
            written += max(count, 0)
        }
    }

    /// The next `count` bytes, or fewer when the file ends before.
    func bytes(count: Int) throws(ModelStoreError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let start = buffer.baseAddress.map { $0 + filled }
                let received = read(descriptor, start, count - filled)
                if received == 0 { break }
                if received < 0 && errno == EINTR { continue }
                guard received > 0 else {
                    failure = errno
                    break
                }
                filled += received
            }
        }
        guard failure == 0 else { throw .system(failure, "read", path) }
        return bytes
    }

    /// Makes what was written durable.
    func synchronize() throws(ModelStoreError) {
        guard fsync(descriptor) == 0 else { throw .system(errno, "flush", path) }
    }

    /// Takes the file's lock, which ends with this value or with the process.
    func lock() throws(ModelStoreError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .system(errno, "lock", path) }
        }
    }

    /// As `lock`, but false when another holds it.
    func tryLock() -> Bool {
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    /// Whether a path still leads to the file.
    var isLinked: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    /// Makes the entries of a directory durable.
    static func synchronizeDirectory(_ path: String) throws(ModelStoreError) {
        try OpenFile(path, O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Makes sure that a directory and those above it exist; the new ones are this user's alone.
    static func makeDirectory(_ path: String) throws(ModelStoreError) {
        guard !isDirectory(path) else { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty, parent != path {
            try makeDirectory(parent)
        }
        // Another process may be making it, too.
        guard mkdir(path, 0o700) == 0 || (errno == EEXIST && isDirectory(path)) else {
            // ENOENT: the place, such as /proc, takes no directories.
            throw .system(errno == ENOENT ? EPERM : errno, "create directory", path)
        }
        try synchronizeDirectory(parent.isEmpty ? "." : parent)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
