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

    func append(_ bytes: UnsafeRawBufferPointer) throws(ModelStoreError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            guard count >= 0 || errno == EINTR else { throw .system(errno, "write", path) }
            rest = UnsafeRawBufferPointer(rebasing: rest[max(count, 0)...])
        }
    }

    /// Writes bytes at an offset.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ModelStoreError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            guard count >= 0 || errno == EINTR else { throw .system(errno, "write", path) }
            done += max(count, 0)
        }
    }

    /// Gives back the room behind an offset, as far as the disk does that.
    func truncate(to byteCount: Int) { _ = ftruncate(descriptor, off_t(byteCount)) }

    /// Fills `memory` with the bytes at an offset.
    func read(
        at offset: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(ModelStoreError) {
        var done = 0
        while done < memory.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            guard count >= 0 || errno == EINTR else { throw .system(errno, "read", path) }
            guard count != 0 else { throw .system(EIO, "read", path) }
            done += max(count, 0)
        }
    }

    /// Reads the next bytes; returns how many, 0 at the end, and -1 when `errno` says why not.
    func read(into memory: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = Foundation.read(descriptor, memory.baseAddress, memory.count)
            if count >= 0 || errno != EINTR { return count }
        }
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

    /// Takes a lock that others may share, and that keeps `lock` and `tryLock` from succeeding.
    func lockShared() throws(ModelStoreError) {
        while flock(descriptor, LOCK_SH) != 0 {
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

    /// Tells files apart, whatever their paths.
    struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    /// Which file it is.
    var identity: Identity? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Which file a path leads to; nil when it leads to none.
    static func identity(of path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Makes the entries of a directory durable.
    static func synchronizeDirectory(_ path: String) throws(ModelStoreError) {
        try OpenFile(path, O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Makes sure that a directory and those above it exist; the new ones are this user's alone.
    static func makeDirectory(_ path: String) throws(ModelStoreError) {
        guard !isDirectory(path) else { return }
        let parent = Self.parent(of: path)
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

    /// The directory that a path lies in; empty when the path does not say.
    ///
    /// `NSString.deletingLastPathComponent` traps on Linux for some relative paths, such as `s`.
    static func parent(of path: String) -> String {
        let name = path.reversed().drop { $0 == "/" }
        let above = name.drop { $0 != "/" }
        let parent = String(above.drop { $0 == "/" }.reversed())
        return parent.isEmpty && !above.isEmpty ? "/" : parent
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
