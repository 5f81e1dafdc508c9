import Foundation
import KafkaClient
import Testing

@testable import freshet

private let declaration = """
    topic: interactions
    purpose: What users did
    key: user
    partitions: 8
    config:
      cleanup.policy: delete
      retention.ms: -1
    value:
      format: json
      schema:
        type: object
        required: [user]
        properties:
          user: {type: string, minLength: 1}
    """

@Suite struct TopicTests {
    private func declarations(_ partitions: Int) throws -> (TopicDeclaration, TopicDeclarations) {
        let yaml = declaration.replacing("partitions: 8", with: "partitions: \(partitions)")
        let one = try TopicDeclaration(yaml: yaml, file: "topics/interactions.yaml")
        return (
            one,
            TopicDeclarations(
                declarations: [one],
                source: "topics",
                names: TopicNames(),
                replicationFactor: -1
            )
        )
    }

    private func described(
        partitions: Int,
        _ properties: [String: String],
        problem: String? = nil
    ) -> TopicDescription {
        TopicDescription(
            name: "interactions",
            partitionCount: partitions,
            replicationFactor: 1,
            configuration: properties,
            configurationProblem: problem
        )
    }

    @Test func `a declaration is read`() throws {
        let (one, _) = try declarations(8)
        #expect(one.role == .interactions)
        #expect(one.partitions == 8)
        #expect(one.properties == ["cleanup.policy": "delete", "retention.ms": "-1"])
        #expect(one.schema?["properties"]?["user"]?["minLength"] == .integer(1))
        let topic = one.newTopic(name: "mine", replicationFactor: 3)
        #expect(topic.name == "mine")
        #expect(topic.partitionCount == 8)
        #expect(topic.replicationFactor == 3)
    }

    @Test(arguments: [
        ("topic: interactions", "topic: clicks", "clicks"),
        ("topic: interactions\n", "", "topic"),
        ("partitions: 8", "partitions: 0", "partitions"),
        ("partitions: 8", "partitions: eight", "a whole number"),
        ("partitions: 8\n", "", "partitions"),
        ("partitions: 8", "partition: 8", "did you mean \"partitions\"?"),
        ("purpose: What users did", "purpose: \"\"", "purpose"),
        ("config:", "configs:", "did you mean \"config\"?"),
        ("  format: json", "  encoding: json", "value.encoding"),
    ])
    func `a wrong declaration is refused`(old: String, new: String, text: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try TopicDeclaration(yaml: declaration.replacing(old, with: new), file: "t.yaml")
        }
        #expect(error?.description.contains("t.yaml") == true)
        #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
    }

    @Test func `a topic as declared has no differences`() throws {
        let (one, all) = try declarations(8)
        let properties = ["retention.ms": "-1", "cleanup.policy": "delete", "flush.ms": "5"]
        #expect(all.compare(one, with: described(partitions: 8, properties)).isEmpty)
    }

    @Test func `a missing topic is named with the command that makes it`() throws {
        let (one, all) = try declarations(8)
        #expect(
            all.compare(one, with: nil).map(\.description) == [
                "topic \"interactions\" does not exist: run \"freshet topics apply\""
            ]
        )
    }

    @Test func `another partition count is named with both numbers`() throws {
        let (one, all) = try declarations(8)
        let differences = all.compare(one, with: described(partitions: 3, one.properties))
        #expect(differences.count == 1)
        #expect(
            differences.first?.message
                == "topic \"interactions\" has 3 partitions, topics/interactions.yaml declares 8"
        )
        #expect(differences.first?.remedy.contains("freshet topics apply") == true)
    }

    @Test func `other and missing properties are named`() throws {
        let (one, all) = try declarations(8)
        let differences = all.compare(
            one,
            with: described(partitions: 8, ["retention.ms": "1000"])
        )
        #expect(
            differences.map(\.message) == [
                "topic \"interactions\" has cleanup.policy unset, topics/interactions.yaml declares "
                    + "delete",
                "topic \"interactions\" has retention.ms = 1000, topics/interactions.yaml declares "
                    + "-1",
            ]
        )
    }

    @Test func `properties that the broker does not tell are not compared`() throws {
        let (one, all) = try declarations(8)
        #expect(all.compare(one, with: described(partitions: 8, [:], problem: "denied")).isEmpty)
    }

    @Test func `a directory must declare each topic once`() throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("freshet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let write = { (name: String) in
            try declaration.write(
                to: directory.appendingPathComponent(name),
                atomically: true,
                encoding: .utf8
            )
        }
        try write("a.yaml")
        let incomplete = #expect(throws: ConfigurationError.self) {
            try TopicDeclarations.read(directory: directory.path)
        }
        #expect(incomplete?.message.contains("declares no topic \"recommend-requests\"") == true)
        try write("b.yaml")
        let twice = #expect(throws: ConfigurationError.self) {
            try TopicDeclarations.read(directory: directory.path)
        }
        #expect(twice?.message.contains("a.yaml and in") == true)
        #expect(throws: ConfigurationError.self) {
            try TopicDeclarations.read(directory: "/nowhere")
        }
    }

    @Test func `names that Kafka refuses are refused`() {
        #expect(TopicNames.isValid("a.b_c-1"))
        for name in ["", ".", "..", "a b", "ü", "a/b", String(repeating: "a", count: 250)] {
            #expect(!TopicNames.isValid(name), "\(name)")
        }
    }
}
