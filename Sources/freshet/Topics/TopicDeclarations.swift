import Foundation
import KafkaClient
import Streaming

/// All topic declarations, and whether the topics of a cluster are as declared.
struct TopicDeclarations: Sendable {
    /// One per role, in the order of the roles.
    let declarations: [TopicDeclaration]
    /// Where they come from, for messages.
    let source: String
    /// What the topics are called.
    let names: TopicNames
    /// On how many brokers a topic is kept; -1 lets the broker choose.
    let replicationFactor: Int

    /// The declarations that the program carries with it: the files of `topics/`.
    static func builtIn() throws(ConfigurationError) -> [TopicDeclaration] {
        var declarations: [TopicDeclaration] = []
        for (role, text) in builtInFiles {
            declarations.append(
                try TopicDeclaration(yaml: text, file: "topics/\(role.rawValue).yaml")
            )
        }
        return declarations
    }

    /// The texts of those files.
    static var builtInFiles: [(role: TopicRole, text: String)] {
        [
            (.interactions, PackageResources.interactions_yaml),
            (.recommendRequests, PackageResources.recommend_requests_yaml),
            (.recommendations, PackageResources.recommendations_yaml),
            (.textLabels, PackageResources.text_labels_yaml),
            (.textRequests, PackageResources.text_requests_yaml),
            (.textPredictions, PackageResources.text_predictions_yaml),
            (.modelUpdates, PackageResources.model_updates_yaml),
            (.deadLetters, PackageResources.dead_letters_yaml),
            (.control, PackageResources.control_yaml),
        ].map { ($0, String(decoding: $1, as: UTF8.self)) }
    }

    /// The declarations in a directory, `*.yaml`; the built-in one of a topic that is not `required`
    /// and not declared there.
    ///
    /// Throws unless each required topic is declared, and none twice.
    static func read(
        directory: String,
        required: [TopicRole] = TopicRole.allCases
    ) throws(ConfigurationError) -> [TopicDeclaration] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw ConfigurationError(
                .unreadable,
                "the directory \(directory) cannot be read (\(reason(error)))",
                remedy: "correct topics.directory"
            )
        }
        var found: [TopicRole: TopicDeclaration] = [:]
        for name in names.sorted() where name.hasSuffix(".yaml") {
            let file = "\(directory)/\(name)"
            let text: String
            do {
                text = try String(contentsOfFile: file, encoding: .utf8)
            } catch {
                throw ConfigurationError(
                    .unreadable,
                    "\(file) cannot be read (\(reason(error)))",
                    remedy: "check its permissions"
                )
            }
            let declaration = try TopicDeclaration(yaml: text, file: file)
            if let other = found.updateValue(declaration, forKey: declaration.role) {
                throw ConfigurationError(
                    .outOfRange,
                    "topic \"\(declaration.role.rawValue)\" is declared in \(other.file) "
                        + "and in \(file)",
                    remedy: "remove one"
                )
            }
        }
        var declarations: [TopicDeclaration] = []
        let builtIn = try builtIn()
        for role in TopicRole.allCases {
            let other = required.contains(role) ? nil : builtIn.first { $0.role == role }
            guard let declaration = found[role] ?? other else {
                throw ConfigurationError(
                    .missingKey,
                    "\(directory) declares no topic \"\(role.rawValue)\"",
                    remedy: "add \(directory)/\(role.rawValue).yaml, or clear topics.directory "
                        + "to use the built-in declarations"
                )
            }
            declarations.append(declaration)
        }
        return declarations
    }

    /// A difference between a topic and its declaration, and what to do about it.
    struct Difference: Sendable, Equatable, CustomStringConvertible {
        /// The topic's name.
        let topic: String
        /// What is different.
        let message: String
        /// What to do next.
        let remedy: String

        /// Message and remedy as one line.
        var description: String { "\(message): \(remedy)" }
    }

    /// What is missing or different on the cluster; empty when all is as declared.
    func differences(
        _ admin: KafkaAdmin,
        timeout: Duration,
        roles: [TopicRole] = TopicRole.allCases
    ) throws(StreamError) -> [Difference] {
        let wanted = declarations.filter { roles.contains($0.role) }
        let found = try admin.describeTopics(wanted.map { names[$0.role] }, timeout: timeout)
        return wanted.flatMap { declaration in
            compare(declaration, with: found.first { $0.name == names[declaration.role] })
        }
    }

    /// Throws unless the topics are as declared: the check at the start of trainer and scorer.
    func verify(
        _ admin: KafkaAdmin,
        timeout: Duration,
        roles: [TopicRole] = TopicRole.allCases
    ) throws(StreamError) {
        guard let first = try differences(admin, timeout: timeout, roles: roles).first else {
            return
        }
        throw StreamError(.configuration, first.message, remedy: first.remedy)
    }

    /// How a topic differs from its declaration; nil stands for a topic that does not exist.
    func compare(
        _ declaration: TopicDeclaration,
        with topic: TopicDescription?
    ) -> [Difference] {
        let name = names[declaration.role]
        guard let topic else {
            return [
                Difference(
                    topic: name,
                    message: "topic \"\(name)\" does not exist",
                    remedy: "run \"freshet topics apply\""
                )
            ]
        }
        var differences: [Difference] = []
        if topic.partitionCount != declaration.partitions {
            differences.append(
                Difference(
                    topic: name,
                    message: "topic \"\(name)\" has \(Self.partitions(topic.partitionCount)), "
                        + "\(declaration.file) declares \(declaration.partitions)",
                    remedy: "change the file to \(topic.partitionCount), or delete the topic and "
                        + "run \"freshet topics apply\""
                )
            )
        }
        // A broker that does not tell properties cannot be checked for them.
        guard topic.configurationProblem == nil else { return differences }
        for (property, declared) in declaration.properties.sorted(by: { $0.key < $1.key }) {
            let actual = topic.configuration[property]
            guard actual != declared else { continue }
            differences.append(
                Difference(
                    topic: name,
                    message: "topic \"\(name)\" has \(property) "
                        + "\(actual.map { "= \($0)" } ?? "unset"), "
                        + "\(declaration.file) declares \(declared)",
                    remedy: "set it on the topic (kafka-configs --alter) or change the file"
                )
            )
        }
        return differences
    }

    private static func partitions(_ count: Int) -> String {
        count == 1 ? "1 partition" : "\(count) partitions"
    }

    /// Creates the topics that are missing; never changes one that exists.
    ///
    /// - Returns: The names of the topics created.
    /// - Throws: The first refusal, after trying all.
    func apply(_ admin: KafkaAdmin, timeout: Duration) throws(StreamError) -> [String] {
        let existing = Set(
            try admin.describeTopics(names.all.map(\.name), timeout: timeout)
                .map(\.name)
        )
        let missing = declarations.filter { !existing.contains(names[$0.role]) }
            .map { $0.newTopic(name: names[$0.role], replicationFactor: replicationFactor) }
        var created: [String] = []
        var refusal: StreamError?
        for (topic, error) in try admin.createTopics(missing, timeout: timeout) {
            // Another process may have been quicker: the topic is there, which is what was asked.
            if let error, error.kind != .topicExists {
                refusal = refusal ?? error
            } else if error == nil {
                created.append(topic)
            }
        }
        if let refusal { throw refusal }
        return created
    }
}

extension EffectiveConfiguration {
    /// The declarations that hold: those of `topics.directory`, or the built-in ones when that is
    /// empty, or when it is not set and the directory is not there.
    func topicDeclarations() throws(ConfigurationError) -> TopicDeclarations {
        let directory = configuration.topics.directory
        let isDefault = origin(of: "topics.directory") == .builtIn
        let isMissing = !FileManager.default.fileExists(atPath: directory)
        let usesBuiltIn = directory.isEmpty || isDefault && isMissing
        return TopicDeclarations(
            declarations: usesBuiltIn
                ? try TopicDeclarations.builtIn()
                : try TopicDeclarations.read(
                    directory: directory,
                    required: neededTopics + [.control]
                ),
            source: usesBuiltIn ? "built in" : directory,
            names: configuration.topics.names,
            replicationFactor: configuration.topics.replicationFactor
        )
    }
}
