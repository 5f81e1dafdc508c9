import Foundation

/// The directory of a proof: data, store, logs.
struct ProveFolder: Sendable {
    let path: String
    /// Whether it goes when all went well.
    let isTemporary: Bool

    /// Makes a directory: a temporary one, or the one named, which must be new or empty.
    init(_ named: String?, seed: UInt64) throws(CommandFailure) {
        let files = FileManager.default
        isTemporary = named == nil
        name = "prove-\(seed)-\(UUID().uuidString.prefix(8).lowercased())"
        path = named ?? "\(NSTemporaryDirectory())freshet-\(name)"
        let contents = (try? files.contentsOfDirectory(atPath: path)) ?? []
        guard contents.isEmpty else {
            throw CommandFailure(
                .failure,
                "\(path) is not empty",
                remedy: "name an empty or new directory with --directory"
            )
        }
        do {
            for folder in ["logs", "topics"] {
                try files.createDirectory(
                    atPath: "\(path)/\(folder)",
                    withIntermediateDirectories: true
                )
            }
        } catch {
            throw CommandFailure(
                .failure,
                "\(path) cannot be made (\(error.localizedDescription))",
                remedy: "name another directory with --directory"
            )
        }
    }

    /// What this run is called, where others may have theirs too.
    let name: String

    var store: String { "\(path)/store" }
    var broker: String { "\(path)/broker" }
    var topics: String { "\(path)/topics" }

    /// Standard error of a process, over all its starts.
    func log(_ role: ProveRole) -> String { "\(path)/logs/\(role).log" }

    /// Standard output of a process, since its last start.
    func output(_ role: ProveRole) -> String { "\(path)/logs/\(role).out" }

    /// Declares the topics as the program does, the events' with this many partitions.
    func declareTopics(partitions: Int) throws {
        for (role, text) in TopicDeclarations.builtInFiles {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                role == .interactions && line.hasPrefix("partitions:")
                    ? "partitions: \(partitions)" : String(line)
            }
            try Data(lines.joined(separator: "\n").utf8)
                .write(to: URL(fileURLWithPath: "\(topics)/\(role.rawValue).yaml"))
        }
    }

    func append(_ text: String, to file: String) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(text.utf8))
    }

    /// The whole text of a file; empty when there is none.
    func text(of file: String) -> String {
        (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    }

    /// The last lines of a log.
    func tail(of file: String) -> String {
        text(of: file).split(separator: "\n").suffix(3).joined(separator: " | ")
    }

    /// Removes it, unless somebody chose it.
    func remove() {
        if isTemporary { try? FileManager.default.removeItem(atPath: path) }
    }
}
