import Foundation
import Recommendation

/// A whole text file in memory, and where its lines are.
///
/// It is read, not mapped: a file that shrinks while it is mapped would end the process.
struct LineFile: Sendable {
    /// The file's name, for messages.
    let name: String
    /// Its bytes.
    let bytes: [UInt8]

    /// Reads a file, or standard input for `-`.
    init(path: String) throws(CommandFailure) {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        name = path == "-" ? "standard input" : path
        guard descriptor >= 0 else { throw Self.unreadable(path) }
        defer { if path != "-" { close(descriptor) } }
        var information = stat()
        let isFile = fstat(descriptor, &information) == 0 && information.st_size > 0
        var content: [UInt8] = []
        if isFile { content.reserveCapacity(Int(information.st_size)) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Self.unreadable(path) }
            if count == 0 { break }
            content.append(contentsOf: piece[..<count])
        }
        bytes = content
    }

    /// Text that is already there.
    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Where the first line begins: after a byte order mark, if there is one.
    var start: Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

    /// The line that begins at `offset`, without its end, and where the next one begins.
    func line(at offset: Int) -> (content: Range<Int>, next: Int) {
        let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let hasReturn = end > offset && bytes[end - 1] == UInt8(ascii: "\r")
        return (offset..<(hasReturn ? end - 1 : end), min(end + 1, bytes.count))
    }

    private static func unreadable(_ path: String) -> CommandFailure {
        CommandFailure(
            .failure,
            "\(path) cannot be read (\(String(cString: strerror(errno))))",
            remedy: "check the path and its permissions"
        )
    }
}

/// Why a line is no event.
struct LineProblem: Error, Equatable {
    /// What is wrong with it, with the offending value shortened.
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Reads one event out of one line.
protocol LineFormat: Sendable {
    /// What the format is called in messages.
    var name: String { get }

    /// The event in a line.
    func interaction(in line: ArraySlice<UInt8>) throws(LineProblem) -> Interaction
}

/// What all formats have in common: ids that can be used, numbers that are finite.
enum EventField {
    /// The longest id that the learner takes, in bytes.
    static let longestID = InteractionEvents.maximumIDLength

    /// A user's or item's id.
    ///
    /// `what` names it in messages.
    static func id(
        _ bytes: some Collection<UInt8>,
        _ what: String
    ) throws(LineProblem) -> [UInt8] {
        guard !bytes.isEmpty else { throw LineProblem("the \(what) is empty") }
        guard bytes.count <= longestID else {
            throw LineProblem(
                "the \(what) has \(bytes.count) bytes, at most \(longestID) are allowed"
            )
        }
        // ASCII, the usual case, is quick to tell.
        guard bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil
        else { throw LineProblem("the \(what) is not UTF-8") }
        return Array(bytes)
    }

    /// A value such as a rating.
    static func value(_ text: String) throws(LineProblem) -> Double {
        guard let value = Double(text), value.isFinite else {
            throw LineProblem("the value \(quoted(text)) is no finite number")
        }
        return value
    }

    /// Text of a damaged line, shortened, as messages show it.
    static func quoted(_ text: String) -> String {
        "\"\(text.count > 40 ? text.prefix(40) + "…" : text[...])\""
    }
}
