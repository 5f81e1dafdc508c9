import Foundation

/// A command of `freshet` and those below it, as ArgumentParser's `--experimental-dump-help` tells.
struct CommandTree: Decodable {
    let commandName: String
    let subcommands: [CommandTree]?

    private struct Dump: Decodable {
        let command: CommandTree
    }

    /// Reads the output of `freshet --experimental-dump-help`.
    init(dump: Data) throws {
        self = try JSONDecoder().decode(Dump.self, from: dump).command
    }

    /// The commands below, without the `help` that ArgumentParser adds.
    private var children: [CommandTree] {
        (subcommands ?? []).filter { $0.commandName != "help" }
    }

    /// Every command that does something itself, with its whole name: `freshet models list`.
    var commands: [String] {
        guard !children.isEmpty else { return [commandName] }
        return children.flatMap(\.commands).map { "\(commandName) \($0)" }
    }

    /// What is wrong with a document's use of `freshet`: commands that do not exist.
    func unknownCommands(in document: Document) -> [String] {
        document.code.flatMap { code in
            code.matches(of: /(?:^|[\s\/$])freshet((?: +[a-z][a-z-]*)+)/).compactMap { match in
                let words = match.1.split(separator: " ").map(String.init)
                guard let unknown = firstUnknown(words) else { return nil }
                return "\(document.path): freshet\(match.1): there is no command \"\(unknown)\""
            }
        }
    }

    /// The commands that no document shows.
    func undocumentedCommands(in documents: [Document]) -> [String] {
        let shown = documents.flatMap(\.code)
        return commands.filter { command in
            !shown.contains { code in
                code.ranges(of: command).contains { range in
                    let next = code[range.upperBound...].first
                    return next.map { !$0.isLetter && !$0.isNumber && $0 != "-" } ?? true
                }
            }
        }.map { "\($0) is in no document" }
    }

    /// The first word that would have to be a command and is none; words after a command that has
    /// none below it are its arguments.
    private func firstUnknown(_ words: [String]) -> String? {
        guard let word = words.first, !children.isEmpty else { return nil }
        if word == "help" { return nil }
        guard let child = children.first(where: { $0.commandName == word }) else { return word }
        return child.firstUnknown(Array(words.dropFirst()))
    }
}

/// The keys of a configuration, as `freshet config show --json` prints it: an object a line.
enum ConfigurationKeys {
    private struct Line: Decodable {
        let key: String
    }

    /// Every key, in alphabetical order.
    static func all(in lines: Data) throws -> [String] {
        try lines.split(separator: UInt8(ascii: "\n")).map { line in
            try JSONDecoder().decode(Line.self, from: line).key
        }.sorted()
    }

    /// The keys that no document names in backticks or in a block of code, whole (`broker.port`).
    static func undocumented(_ keys: [String], in documents: [Document]) -> [String] {
        let shown = Set(
            documents.flatMap(\.code).flatMap { code in
                code.matches(of: /[A-Za-z0-9_.-]+/).map { String($0.0) }
            }
        )
        return keys.filter { !shown.contains($0) }.map { "configuration key \($0) is undocumented" }
    }
}
