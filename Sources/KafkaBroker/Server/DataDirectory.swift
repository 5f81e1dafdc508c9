import Foundation

/// The directory that holds everything the broker keeps, locked against a second process.
///
/// The lock is the operating system's: it goes when the process does, however it ends.
final class DataDirectory: Sendable {
    let url: URL
    private let lock: Int32

    /// The version of the directory's layout that this program writes.
    static let formatVersion = 1

    /// The path from the root, whatever the process's working directory becomes.
    static func absolutePath(_ path: String) -> String {
        URL(fileURLWithPath: path, isDirectory: true).standardizedFileURL.path
    }

    /// Locks the directory.
    ///
    /// - Parameters:
    ///   - path: Where it is.
    ///   - creates: Whether to make it if it is missing; if not, nothing is written at all.
    /// - Throws: `BrokerError`, also if another process holds the lock.
    init(path: String, creates: Bool = true) throws(BrokerError) {
        url = URL(fileURLWithPath: Self.absolutePath(path), isDirectory: true)
        do {
            if creates {
                try FileManager.default.createDirectory(
                    at: url,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            }
        } catch {
            throw Self.unusable(path, "\(error.localizedDescription)")
        }
        let lockPath = url.appendingPathComponent("lock").path
        let mode = creates ? O_RDWR | O_CREAT : O_RDONLY
        lock = open(lockPath, mode | O_CLOEXEC, 0o600)
        // From here on `deinit` closes it, also when this throws: a second time would close what
        // another thread has opened meanwhile.
        guard lock >= 0 else { throw Self.unusable(path, Self.reason(errno)) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            guard code == EWOULDBLOCK else { throw Self.unusable(path, Self.reason(code)) }
            throw BrokerError(
                .locked,
                "another process uses the data directory \(path)",
                remedy: "stop that broker or set broker.data to another directory"
            )
        }
        try checkFormat(creates: creates)
    }

    deinit {
        if lock >= 0 { close(lock) }
    }

    /// Lets another broker use the directory; called when nothing is written to it any more.
    func unlock() { flock(lock, LOCK_UN) }

    private func checkFormat(creates: Bool) throws(BrokerError) {
        let path = url.appendingPathComponent("format").path
        guard let bytes = try FileSystem.contents(of: path) else {
            guard creates else { throw Self.unusable(path, "there is no such file") }
            return try FileSystem.write(
                Array("\(Self.formatVersion)\n".utf8),
                to: path,
                isDurable: true
            )
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let found = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        guard let found, found <= Self.formatVersion else {
            throw BrokerError(
                .newerFormat,
                "the data directory \(url.path) has format \(text.prefix(20)), "
                    + "this program knows formats up to \(Self.formatVersion)",
                remedy: "use the newer version of this program that wrote it"
            )
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

    private static func unusable(_ path: String, _ reason: String) -> BrokerError {
        BrokerError(
            .dataDirectory,
            "cannot use the data directory \(path): \(reason)",
            remedy: "make it a directory that this user may write"
        )
    }
}
