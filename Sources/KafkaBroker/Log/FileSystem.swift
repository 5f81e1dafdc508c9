import Foundation

/// Files and directories by path, with the system's own calls and its own words for errors.
///
/// Directories are 0700 and files 0600: what is in a topic is nobody else's business.
enum FileSystem {
    /// The error that a system call returned negated, or that the last one left behind.
    static func failure(_ what: String, _ path: String, _ code: Int = -Int(errno)) -> BrokerError {
        BrokerError(
            .storage,
            "cannot \(what) \(path): \(String(cString: strerror(Int32(-code))))",
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

    /// The names in a directory, in order; none if there is no such directory.
    static func names(in path: String) throws(BrokerError) -> [String] {
        guard byteCount(of: path) != nil else { return [] }
        return try foundation("list", path) { try $0.contentsOfDirectory(atPath: path).sorted() }
    }

    /// Has something done by Foundation, which has its own errors.
    private static func foundation<Value>(
        _ what: String,
        _ path: String,
        _ body: (FileManager) throws -> Value
    ) throws(BrokerError) -> Value {
        do { return try body(.default) } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            throw failure(what, path, -Int(cause?.code ?? Int(EIO)))
        }
    }

    /// The size of a file; nil if there is none.
    static func byteCount(of path: String) -> Int? {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : nil
    }

    /// Brings the names in a directory to stable storage.
    static func synchronizeDirectory(
        _ path: String,
        _ files: any LogFiles = SystemLogFiles()
    ) throws(BrokerError) {
        let code = files.synchronizeDirectory(path)
        guard code >= 0 else { throw failure("sync the directory", path, code) }
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
        try foundation("remove", path) { try $0.removeItem(atPath: path) }
    }

    /// All bytes of a small file; nil if there is none.
    static func contents(of path: String) throws(BrokerError) -> [UInt8]? {
        guard let byteCount = byteCount(of: path) else { return nil }
        let file = try SegmentFile(path: path, isReadOnly: true)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { memory.deallocate() }
        return Array(memory[..<(try file.read(into: memory, at: 0))])
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
        let file = try SegmentFile(path: target, creates: true)
        let written = pwrite(file.descriptor, bytes, bytes.count, 0)
        guard written == bytes.count else {
            throw failure("write", target, written < 0 ? -Int(errno) : -Int(ENOSPC))
        }
        // An older and longer one leaves nothing behind.
        try file.truncate(to: bytes.count, SystemLogFiles())
        guard isDurable else { return }
        try file.synchronize()
        try rename(target, to: path)
        try synchronizeDirectory((path as NSString).deletingLastPathComponent)
    }
}
