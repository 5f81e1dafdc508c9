import Learning
import ArgumentParser
import Foundation
import KafkaClient
import Learning
import Streaming

/// `freshet topics`: the topics that are declared, and those that exist.
struct TopicsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics",
        abstract: "Create, check or list the topics.",
        subcommands: [TopicsApplyCommand.self, TopicsCheckCommand.self, TopicsListCommand.self]
    )
}

/// `freshet topics apply`: creates what is missing.
struct TopicsApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Create the declared topics that are missing; change none that exists.",
        discussion: "Exit status 1 when a topic that exists differs from its declaration."
    )

    @OptionGroup var common: CommonOptions

    func run() throws {
        let effective = try common.load()
        let declarations = try effective.topicDeclarations()
        let timeout = effective.configuration.kafka.timeout.duration
        let admin = try effective.connectedAdmin()
        let created = try declarations.apply(admin, timeout: timeout)
        let existing = declarations.declarations.count - created.count
        try StandardOutput.print(
            created.map { "created \"\($0)\"" }
                + (existing > 0 ? ["\(existing) of the topics existed already"] : [])
        )
        try TopicsCheckCommand.report(declarations.differences(admin, timeout: timeout))
    }
}

/// `freshet topics check`: compares topics with declarations.
struct TopicsCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare the topics with their declarations; exit status 1 if they differ."
    )

    @OptionGroup var common: CommonOptions

    func run() throws {
        let effective = try common.load()
        let declarations = try effective.topicDeclarations()
        let admin = try effective.connectedAdmin()
        try Self.report(
            declarations.differences(
                admin,
                timeout: effective.configuration.kafka.timeout.duration
            )
        )
        try StandardOutput.print([
            "all \(declarations.declarations.count) topics are as declared "
                + "(\(declarations.source))"
        ])
    }

    /// Tells every difference and fails if there is one.
    static func report(_ differences: [TopicDeclarations.Difference]) throws {
        guard let last = differences.last else { return }
        for difference in differences.dropLast() { Messages.note(difference.description) }
        throw CommandFailure(.failure, last.message, remedy: last.remedy)
    }
}

/// `freshet topics list`: what is declared and what is there.
struct TopicsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the declared topics and whether they exist."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print a JSON object a line, with the value's JSON Schema.")
    var json = false

    /// One topic as scripts read it.
    private struct Row: Encodable {
        var topic: String
        var role: String
        var purpose: String
        var key: String
        var exists: Bool
        var partitions: Int?
        var declaredPartitions: Int
        var properties: [String: String]
        var differences: [String]
        var format: String
        var schema: JSONDocument?
    }

    func run() throws {
        let effective = try common.load()
        let declarations = try effective.topicDeclarations()
        let admin = try effective.connectedAdmin()
        let found = try admin.describeTopics(
            declarations.names.all.map(\.name),
            timeout: effective.configuration.kafka.timeout.duration
        )
        let rows = declarations.declarations.map { declaration in
            let name = declarations.names[declaration.role]
            let topic = found.first { $0.name == name }
            return Row(
                topic: name,
                role: declaration.role.rawValue,
                purpose: declaration.purpose,
                key: declaration.key,
                exists: topic != nil,
                partitions: topic?.partitionCount,
                declaredPartitions: declaration.partitions,
                properties: declaration.properties,
                differences: declarations.compare(declaration, with: topic).map(\.message),
                format: declaration.format,
                schema: declaration.schema
            )
        }
        let cells = rows.map { row in
            let state = !row.exists ? "missing" : row.differences.isEmpty ? "ok" : "differs"
            return [row.topic, "\(row.partitions ?? row.declaredPartitions)", state, row.purpose]
        }
        try StandardOutput.print(
            each: rows,
            json: json,
            TextTable(["TOPIC", "PARTITIONS", "STATE", "PURPOSE"], cells).lines
        )
    }
}
