import ArgumentParser
import Foundation
import Testing

@testable import freshet

/// The package's own files: what they say must be what the program does.
private enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
}

@Suite struct RepositoryTests {
    @Test func `the configuration file has every key with its default, each with a comment`() throws
    {
        let file = Repository.root.appendingPathComponent("config/freshet.yaml").path
        let effective = try EffectiveConfiguration(file: file)
        let defaults = ConfigurationListing(try EffectiveConfiguration(exists: { _ in false }))
        for (entry, builtIn) in zip(ConfigurationListing(effective).entries, defaults.entries) {
            #expect(entry.key == builtIn.key)
            #expect(entry.value == builtIn.value, "\(entry.key)")
        }
        let lines = try Repository.text("config/freshet.yaml").split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        for (path, setting) in effective.settings.leaves() {
            let key = path.joined(separator: ".")
            guard case .file(_, let line, _) = setting.origin else {
                Issue.record("config/freshet.yaml has no key \(key)")
                continue
            }
            let above = lines[line - 2].trimmingPrefix { $0 == " " }
            #expect(above.hasPrefix("# "), "\(key) has no comment")
        }
    }

    @Test func `the documentation names every key with its default`() throws {
        let text = try Repository.text("docs/configuration.md")
        let effective = try EffectiveConfiguration(exists: { _ in false })
        for entry in ConfigurationListing(effective).entries {
            let value = entry.value.isEmpty ? "empty" : "`\(entry.value)`"
            let row = text.split(separator: "\n").first { $0.hasPrefix("| `\(entry.key)` |") }
            #expect(row?.contains("| \(value) |") == true, "\(entry.key), default \(value)")
        }
    }

    @Test func `the built-in declarations are those of the folder topics`() throws {
        let folder = Repository.root.appendingPathComponent("topics").path
        let read = try TopicDeclarations.read(directory: folder)
        let builtIn = try TopicDeclarations.builtIn()
        #expect(read.count == TopicRole.allCases.count)
        #expect(builtIn.map(\.role) == TopicRole.allCases)
        for (left, right) in zip(read, builtIn) {
            #expect(left.role == right.role)
            #expect(left.partitions == right.partitions)
            #expect(left.properties == right.properties)
            #expect(left.schema == right.schema)
            #expect(left.file.hasSuffix("/\(right.file)"))
        }
    }

    @Test func `every command and its options are documented`() throws {
        let text = try Repository.text("docs/commands.md")
        for (name, command) in Self.commands(Freshet.self, path: ["freshet"]) {
            let sections = text.split(separator: "\n## ")
            let section = sections.first { $0.hasPrefix("`\(name)`\n") }
            #expect(section != nil, "\(name) is not documented")
            let help = Freshet.helpMessage(for: command, columns: 400)
            for option in help.matches(of: /\n  (--[a-z-]+)/).map({ String($0.1) }) {
                let isShared = text.contains("\n| `\(option) ")
                #expect(
                    isShared || section?.contains("`\(option)") == true
                        || ["--version", "--help"].contains(option),
                    "\(name) \(option) is not documented"
                )
            }
        }
    }

    /// All commands that do something, with their full names.
    private static func commands(
        _ command: any ParsableCommand.Type,
        path: [String]
    ) -> [(name: String, command: any ParsableCommand.Type)] {
        let subcommands = command.configuration.subcommands
        guard !subcommands.isEmpty else { return [(path.joined(separator: " "), command)] }
        return subcommands.flatMap { subcommand in
            commands(subcommand, path: path + [subcommand.configuration.commandName ?? "?"])
        }
    }

    @Test func `each topic and its declared values are documented`() throws {
        let text = try Repository.text("docs/topics.md")
        for declaration in try TopicDeclarations.builtIn() {
            let row = text.split(separator: "\n").first {
                $0.hasPrefix("| `\(declaration.role.rawValue)` |")
            }
            #expect(
                row?.contains("| \(declaration.partitions) |") == true,
                "\(declaration.role)"
            )
        }
    }

    @Test func `topics with JSON values have a schema that says what each field is`() throws {
        for declaration in try TopicDeclarations.builtIn() where declaration.format == "json" {
            let schema = try #require(declaration.schema)
            #expect(schema["$schema"] == .text("https://json-schema.org/draft/2020-12/schema"))
            #expect(schema["type"] == .text("object"))
            guard case .object(let properties) = schema["properties"] else {
                Issue.record("\(declaration.file) has no properties")
                continue
            }
            for (name, property) in properties {
                #expect(property["description"] != nil, "\(declaration.file): \(name)")
            }
        }
    }

    @Test func `an encoded event has the fields of the schema`() throws {
        let declaration = try #require(
            try TopicDeclarations.builtIn().first { $0.role == .interactions }
        )
        var encoder = InteractionEncoder()
        encoder.encode(
            Interaction(
                user: Array("a\"b\\\n".utf8),
                item: Array("ü".utf8),
                value: 2.5,
                timestamp: 5,
                id: Array("x".utf8)
            )
        )
        let event = try JSONDecoder().decode(JSONDocument.self, from: Data(encoder.bytes))
        #expect(
            event
                == .object([
                    "user": .text("a\"b\\\n"), "item": .text("ü"), "value": .number(2.5),
                    "timestamp": .integer(5), "id": .text("x"),
                ])
        )
        guard case .object(let fields) = event,
            case .object(let properties) = declaration.schema?["properties"]
        else { throw CancellationError() }
        #expect(Set(fields.keys) == Set(properties.keys))
    }
}
