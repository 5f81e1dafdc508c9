import Foundation

/// Files and directories by path, with the system's own calls and its own words for errors.
///
/// Directories are 0700 and files 0600: what is in a topic is nobody else's business.
enum FileSystem {
    /// The error that the system's last call left behind.
    static func failure(_ what: String, _ path: String, code: Int32 = errno) -> BrokerError {
        BrokerError(
            .storage,
            "cannot \(what) \(path): \(String(cString: strerror(code)))",
            remedy: "check the disk, its free space and the owner of the data directory"
        )
    }

    /// Makes a directory unless it exists; returns whether it was made.
    @discardableResult
    static func makeDirectory(_ path: String) throws(BrokerError) -> Bool {
        if mkdir(path, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw failure("make the directory", path) }
        return false
    }

    /// The names in a directory; empty if there is no such directory.
    static func names(in path: String) throws(BrokerError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw failure("list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // d_name ends with a zero byte (readdir(3)).
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The size of a file; nil if there is none.
    static func byteCount(of path: String) -> Int? {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : nil
    }

    /// Brings the names in a directory to stable storage.
    static func synchronizeDirectory(_ path: String) throws(BrokerError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the directory", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync the directory", path) }
    }

    /// Gives a file or directory another name, replacing what has it.
    static func rename(_ path: String, to newPath: String) throws(BrokerError) {
        guard Foundation.rename(path, newPath) == 0 else { throw failure("rename", path) }
    }

    /// Removes a file, if it is there.
    static func remove(_ path: String) throws(BrokerError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes a directory and everything in it.
    static func removeTree(_ path: String) throws(BrokerError) {
        for name in try names(in: path) {
            let child = path + "/" + name
            if unlink(child) != 0 {
                guard errno == EISDIR || errno == EPERM else { throw failure("remove", child) }
                try removeTree(child)
            }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// All bytes of a small file; nil if there is none.
    static func contents(of path: String) throws(BrokerError) -> [UInt8]? {
        guard let byteCount = byteCount(of: path) else { return nil }
        let file = try SegmentFile(path: path, isReadOnly: true)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { memory.deallocate() }
        let count = try file.read(into: memory, at: 0)
        return Array(memory[..<count])
    }

    /// Writes a small file whole.
    ///
    /// - Parameters:
    ///   - bytes: What will be in it.
    ///   - path: Where.
    ///   - isDurable: Whether to wait for stable storage, and to leave either the old or the new
    ///     file after a crash.
    /// - Throws: `BrokerError` of kind `storage`.
    static func write(_ bytes: [UInt8], to path: String, isDurable: Bool) throws(BrokerError) {
        let target = isDurable ? path + ".new" : path
        let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", target) }
        defer { close(descriptor) }
        let written = pwrite(descriptor, bytes, bytes.count, 0)
        guard written == bytes.count else {
            throw failure("write", target, code: written < 0 ? errno : ENOSPC)
        }
        guard isDurable else { return }
        let code = SystemLogFiles().synchronize(descriptor)
        guard code == 0 else { throw failure("sync", target, code: code) }
        try rename(target, to: path)
        try synchronizeDirectory((path as NSString).deletingLastPathComponent)
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
        while count < buffer.count {
            let free = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let read = pread(descriptor, free.baseAddress, free.count, off_t(position + count))
            if read == 0 { break }
            if read > 0 {
                count += read
            } else if errno != EINTR {
                throw FileSystem.failure("read", path)
            }
        }
        return count
    }
}
