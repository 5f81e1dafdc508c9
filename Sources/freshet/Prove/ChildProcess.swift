import Foundation

/// A process of this program that ends with the one that started it.
///
/// Owned by one thread.
final class ChildProcess {
    /// How a process ended.
    enum End: Equatable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .exit(let status): "exit status \(status)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    /// Whether this program has killed it.
    private(set) var isKilled = false
    private let process = Process()
    /// The child ends when nobody holds the other end any more: when this program ends, too.
    private let lifeline = Pipe()

    /// Starts a process.
    ///
    /// - Parameters:
    ///   - program: The program's file.
    ///   - arguments: Its arguments.
    ///   - environment: Its variables.
    ///   - output: The file for its standard output, emptied first.
    ///   - log: The file for its standard error, appended to.
    /// - Throws: When it cannot be started.
    init(
        _ program: URL,
        _ arguments: [String],
        environment: [String: String],
        output: String,
        log: String
    ) throws {
        process.executableURL = program
        process.arguments = arguments
        process.environment = environment.merging(Lifeline.variables) { _, ours in ours }
        process.standardInput = lifeline
        process.standardOutput = try Self.file(output, O_TRUNC)
        process.standardError = try Self.file(log, O_APPEND)
        try process.run()
    }

    deinit { kill() }

    /// Whether it has not ended.
    var isRunning: Bool { process.isRunning }

    /// How it ended; nil while it runs.
    var end: End? {
        guard !process.isRunning else { return nil }
        return process.terminationReason == .exit
            ? .exit(process.terminationStatus) : .signal(process.terminationStatus)
    }

    /// Ends it as the failure of a machine would, and waits until it has ended.
    func kill() {
        guard isRunning else { return }
        isKilled = true
        send(SIGKILL)
        while isRunning { usleep(500) }
    }

    /// Stops it in its tracks.
    func pause() { send(SIGSTOP) }

    /// Lets it go on after `pause`.
    func resume() { send(SIGCONT) }

    /// Asks it to finish.
    func terminate() { send(SIGTERM) }

    private func send(_ signal: Int32) {
        guard isRunning else { return }
        Foundation.kill(process.processIdentifier, signal)
    }

    private static func file(_ path: String, _ flag: Int32) throws(CommandFailure) -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flag, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .failure,
                "\(path) cannot be written (\(String(cString: strerror(errno))))",
                remedy: "name another directory with --directory"
            )
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}

/// Lets a process end with the one that started it, whatever ended that.
enum Lifeline {
    /// The variable that asks for it.
    static let variables = ["FRESHET_LIFELINE": "stdin"]

    /// Arranges, if asked to, that the kernel kills this process as soon as nobody holds the other
    /// end of its standard input any more, even while it is stopped.
    static func hold() {
        guard ProcessInfo.processInfo.environment["FRESHET_LIFELINE"] == "stdin" else { return }
        // fcntl(2), "Managing signals": with O_ASYNC the signal set by F_SETSIG comes, in place of
        // SIGIO, when input or the end of it is there.
        _ = fcntl(STDIN_FILENO, F_SETOWN, getpid())
        let setSignal: Int32 = 10  // F_SETSIG, which Swift's Glibc does not show
        _ = fcntl(STDIN_FILENO, setSignal, SIGKILL)
        _ = fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_ASYNC)
        // The end may have come before.
        var look = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        if poll(&look, 1, 0) > 0 { kill(getpid(), SIGKILL) }
    }
}
