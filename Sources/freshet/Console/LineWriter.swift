import Foundation

/// Writes to a file or to standard output in large pieces.
///
/// Owned by one thread.
///
/// Unlike `print` it says when nothing more can be written: disk full, reader gone.
final class LineWriter {
    private let descriptor: Int32
    private let name: String
    private let isOwned: Bool
    private var buffer: [UInt8] = []
    /// Bytes gathered before they are written: large enough that the system call is cheap.
    private static let capacity = 64 * 1024

    /// Writes to standard output.
    static func standardOutput() -> LineWriter {
        LineWriter(descriptor: STDOUT_FILENO, name: "standard output", isOwned: false)
    }

    /// Makes a file, or empties the one that is there.
    static func file(_ path: String) throws(CommandFailure) -> LineWriter {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .failure,
                "\(path) cannot be written (\(String(cString: strerror(errno))))",
                remedy: "choose another file or correct the permissions"
            )
        }
        return LineWriter(descriptor: descriptor, name: path, isOwned: true)
    }

    private init(descriptor: Int32, name: String, isOwned: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.isOwned = isOwned
        buffer.reserveCapacity(Self.capacity + 4096)
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Writes text and a line feed.
    func line(_ text: String) throws(CommandFailure) {
        try line(text.utf8)
    }

    /// Writes bytes and a line feed.
    func line(_ bytes: some Collection<UInt8>) throws(CommandFailure) {
        buffer.append(contentsOf: bytes)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes what has been gathered.
    func flush() throws(CommandFailure) {
        defer { buffer.removeAll(keepingCapacity: true) }
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EPIPE { endLikeEveryFilter() }
            guard count > 0 else {
                throw CommandFailure(
                    .failure,
                    "\(name) cannot be written (\(String(cString: strerror(errno))))",
                    remedy: "see that the disk has room and the reader is there"
                )
            }
            written += count
        }
    }

    /// Whether somebody may still read what is written; false once a pipe's reader has gone.
    var hasReader: Bool {
        var request = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&request, 1, 0) < 1 || request.revents & Int16(POLLERR) == 0
    }

    /// Ends the process by SIGPIPE, in silence: `freshet … | head` has what it wanted.
    private func endLikeEveryFilter() {
        signal(SIGPIPE, SIG_DFL)
        Foundation.raise(SIGPIPE)
    }
}
