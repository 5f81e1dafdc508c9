import Learning
import ArgumentParser
import Foundation
import KafkaClient
import Learning
import Logging
import ModelStore
import Streaming

/// Options that every command takes: where the configuration is, and its most used keys.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The configuration file (default: config/freshet.yaml or freshet.yaml, if there).",
            valueName: "file"
        )
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Addresses of the Kafka brokers, in place of kafka.bootstrap_servers.",
            valueName: "host:port,…"
        )
    )
    var bootstrap: String?

    @Option(
        help: ArgumentHelp(
            "The model store's directory, in place of store.directory.",
            valueName: "directory"
        )
    )
    var store: String?

    @Option(help: ArgumentHelp("The model's name, in place of model.name.", valueName: "name"))
    var model: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Any other key of the configuration; may be given several times.",
            valueName: "key=value"
        )
    )
    var assignments: [String] = []

    /// The configuration that holds, with `overrides` on top.
    func load(
        _ overrides: [EffectiveConfiguration.Override] = []
    ) throws -> EffectiveConfiguration {
        try EffectiveConfiguration(
            file: config,
            environment: ProcessInfo.processInfo.environment,
            overrides: try assigned() + named() + overrides
        )
    }

    private func named() -> [EffectiveConfiguration.Override] {
        [
            ("kafka.bootstrap_servers", bootstrap, "--bootstrap"),
            ("store.directory", store, "--store"),
            ("model.name", model, "--model"),
        ].compactMap { key, value, flag in
            value.map { EffectiveConfiguration.Override(key: key, value: $0, flag: flag) }
        }
    }

    private func assigned() throws(CommandFailure) -> [EffectiveConfiguration.Override] {
        var overrides: [EffectiveConfiguration.Override] = []
        for assignment in assignments {
            guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex
            else {
                throw CommandFailure(
                    .misuse,
                    "--set \"\(assignment)\" has no key and value",
                    remedy: "write it as --set trainer.batch_size=500"
                )
            }
            overrides.append(
                EffectiveConfiguration.Override(
                    key: String(assignment[..<equals]),
                    value: String(assignment[assignment.index(after: equals)...]),
                    flag: "--set"
                )
            )
        }
        return overrides
    }
}

extension EffectiveConfiguration {
    /// How the Kafka client reaches the log.
    var kafkaSettings: KafkaSettings {
        KafkaSettings(
            bootstrapServers: configuration.kafka.bootstrapServers,
            clientID: configuration.kafka.clientID,
            properties: configuration.kafka.properties
        )
    }

    /// The names of the topics.
    var topicNames: TopicNames { configuration.topics.names }

    /// The names of the topics that the model learns from, is asked on, and answers on.
    var modelTopics: (input: String, requests: String, answers: String) {
        let (names, roles) = (topicNames, configuration.model.kind.topics)
        return (names[roles.input], names[roles.requests], names[roles.answers])
    }

    /// Throws unless the model is of the kind that a command is for.
    func require(_ kind: ModelKind, for command: String) throws(CommandFailure) {
        guard configuration.model.kind != kind else { return }
        throw CommandFailure(
            .misuse,
            "\(command) is for a \(kind.rawValue), and model \"\(configuration.model.name)\" is a "
                + configuration.model.kind.rawValue,
            remedy: "leave model.kind at \(kind.rawValue)"
        )
    }

    /// The topics without which trainer and scorer cannot work.
    ///
    /// What operators did is also in the store: nobody waits for `control`.
    var neededTopics: [TopicRole] {
        let topics = configuration.model.kind.topics
        return [topics.input, topics.requests, topics.answers, .modelUpdates, .deadLetters]
    }

    /// A logger to standard error at the configured level.
    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = configuration.log.level
        return logger
    }

    /// An administration client of a log that answers.
    ///
    /// Throws with exit status 3 and what to start when nothing answers.
    func connectedAdmin(timeout: Duration? = nil) throws -> KafkaAdmin {
        let admin = try KafkaAdmin(kafkaSettings)
        do throws(StreamError) {
            let timeout = timeout ?? configuration.kafka.timeout.duration
            _ = try admin.describeTopics([], timeout: timeout)
        } catch {
            throw error.isUnanswered ? unreachable(error) : CommandFailure(error)
        }
        return admin
    }

    /// What to say when no broker answers.
    func unreachable(_ error: StreamError) -> CommandFailure {
        let address = configuration.kafka.bootstrapServers
        let isLocal = address == Configuration().kafka.bootstrapServers
        return CommandFailure(
            .unreachable,
            "no Kafka broker answers at \(address)",
            remedy: isLocal
                ? "start one with \"freshet up\" or \"freshet broker\", or name another with "
                    + "--bootstrap"
                : "check the address and that the broker runs (\(error.message))"
        )
    }

    /// The model store.
    ///
    /// Commands that only read set `mustExist`, which refuses to make a new one.
    func modelStore(mustExist: Bool) throws -> ModelStore {
        let directory = configuration.store.directory
        if mustExist && !FileManager.default.fileExists(atPath: "\(directory)/store.sqlite") {
            throw CommandFailure(
                .failure,
                "there is no model store in \(directory)",
                remedy: "train a model first (\"freshet up\"), or name the store with --store"
            )
        }
        return try ModelStore(directory: directory)
    }

    /// The model store, and the configured model, which must be in it.
    func storedModel() throws -> (store: ModelStore, name: String) {
        let store = try modelStore(mustExist: true)
        let name = configuration.model.name
        try store.requireModel(name)
        return (store, name)
    }
}
