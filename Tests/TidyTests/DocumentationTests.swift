import Foundation
import Testing

/// What the documents say exists, and what exists is in the documents.
@Suite struct DocumentationTests {
    @Test func `every file that a document names exists`() throws {
        for document in try PackageFiles.documents() {
            for path in document.paths {
                #expect(PackageFiles.exists(path), "\(document.path) names \(path)")
            }
        }
    }

    @Test func `every fault of the store is held by the test that its row names`() throws {
        let rows = try PackageFiles.text("docs/store.md").split(separator: "\n")
            .filter { $0.hasPrefix("| ") }.dropFirst()
        #expect(!rows.isEmpty)
        let tests = try PackageFiles.swiftSources()
            .filter { $0.path.hasPrefix("Tests/ModelStoreTests/") }
            .map { try PackageFiles.text($0.path) }.joined()
        for row in rows {
            let test = row.split(separator: "|").last?.trimmingCharacters(in: .whitespaces) ?? ""
            #expect(tests.contains("func `\(test)`("), "docs/store.md: no test \"\(test)\"")
        }
    }

    @Test func `commands and configuration keys are documented`() throws {
        for finding in try CommandLineDocumentation.findings() {
            Issue.record("\(finding)")
        }
    }

    @Test func `paths are found in backticks and links`() {
        let text = """
            See `Sources/A/B.swift`, `make test`, `docs/`, [more](docs/x.md#part), `README.md`,
            `config/*.yaml`, `/tmp/x` and [the site](https://example.com/docs).
            """
        let document = Document(path: "README.md", text: text)
        #expect(document.paths == ["Sources/A/B.swift", "docs/", "README.md", "docs/x.md"])
        let deeper = Document(path: "docs/a.md", text: "[b](b.md) [c](../README.md)")
        #expect(deeper.paths == ["docs/b.md", "docs/../README.md"])
    }

    @Test func `commands that do not exist or are not shown are found`() throws {
        let dump = """
            {"serializationVersion": 0, "command": {"commandName": "freshet", "subcommands": [
              {"commandName": "up"}, {"commandName": "help"},
              {"commandName": "models", "subcommands": [
                {"commandName": "list"}, {"commandName": "show"}]}]}}
            """
        let tree = try CommandTree(dump: Data(dump.utf8))
        #expect(tree.commands == ["freshet up", "freshet models list", "freshet models show"])
        let text = """
            Use `freshet models list`, freshet dances, `freshet models sing`, or
            ```sh
            .build/release/freshet up now
            freshet down
            freshet models show-off
            ```
            """
        let document = Document(path: "README.md", text: text)
        #expect(
            tree.unknownCommands(in: document) == [
                "README.md: freshet models sing: there is no command \"sing\"",
                "README.md: freshet down: there is no command \"down\"",
                "README.md: freshet models show-off: there is no command \"show-off\"",
            ]
        )
        #expect(
            tree.undocumentedCommands(in: [document]) == ["freshet models show is in no document"]
        )
    }

    @Test func `configuration keys that are not shown are found`() throws {
        let lines = """
            {"key":"seed","value":"1"}
            {"key":"broker.port","value":"9092"}
            {"key":"broker.host","value":"x"}
            {"key":"rates","value":"1,2"}
            """
        let keys = try ConfigurationKeys.all(in: Data(lines.utf8))
        #expect(keys == ["broker.host", "broker.port", "rates", "seed"])
        let document = Document(path: "docs/configuration.md", text: "`seed`, `broker.port`, rates")
        #expect(
            ConfigurationKeys.undocumented(keys, in: [document]) == [
                "configuration key broker.host is undocumented",
                "configuration key rates is undocumented",
            ]
        )
    }
}
