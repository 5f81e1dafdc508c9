import Learning
import Logging
import Recommendation

/// Everything that can be set, with its default.
///
/// A property is one key of `config/freshet.yaml`, written there in snake_case;
/// docs/configuration.md says what each one means.
struct Configuration: Codable, Sendable, Equatable {
    var kafka = Kafka()
    var broker = Broker()
    var store = Store()
    var model = Model()
    var topics = Topics()
    var trainer = Trainer()
    var scorer = Scorer()
    var log = Log()

    /// How to reach the log.
    struct Kafka: Codable, Sendable, Equatable {
        var bootstrapServers = "127.0.0.1:9092"
        var clientID = "freshet"
        var timeout = TimeSpan(.seconds(10))
        var properties: [String: String] = [:]
    }

    /// The embedded broker.
    struct Broker: Codable, Sendable, Equatable {
        var data = ".freshet/broker"
        var host = "127.0.0.1"
        var advertisedHost = ""
        var port = 9092
        var defaultPartitions = 1
        var autoCreateTopics = true
        var flushInterval = TimeSpan(.seconds(1))
        var segmentSize = ByteSize(mebibytes: 128)
        var maximumBatchSize = ByteSize(bytes: 1_048_588)
        var requestMemory = ByteSize(mebibytes: 256)
        var maximumConnections = 1000
    }

    /// Where model versions are kept.
    struct Store: Codable, Sendable, Equatable {
        var directory = ".freshet/store"
    }

    /// What is learned.
    struct Model: Codable, Sendable, Equatable {
        var name = "recommender"
        var settings = RecommenderSettings()
    }

    /// The topics and their declarations.
    struct Topics: Codable, Sendable, Equatable {
        var directory = "topics"
        var replicationFactor = -1
        var names = TopicNames()
    }

    /// The process that learns.
    struct Trainer: Codable, Sendable, Equatable {
        var publishInterval = TimeSpan(.milliseconds(100))
        var checkpointInterval = TimeSpan(.seconds(30))
        var checkpointEvents = 0
        var batchSize = 2000
        var start = StartPosition.earliest
    }

    /// The process that answers.
    struct Scorer: Codable, Sendable, Equatable {
        var group = "freshet-scorer"
        var batchSize = 256
        var start = StartPosition.earliest
    }

    /// What is written to standard error.
    struct Log: Codable, Sendable, Equatable {
        var level = Logger.Level.info
    }
}

/// Where reading begins when nothing says otherwise.
enum StartPosition: String, Codable, Sendable, CaseIterable {
    /// At the first record still in the log.
    case earliest
    /// At the end: only records that come later.
    case latest
}

extension EffectiveConfiguration {
    /// Refuses values that have the right type and cannot work.
    func validate() throws(ConfigurationError) {
        let (broker, trainer) = (configuration.broker, configuration.trainer)
        let positive = "a number from 1 up"
        try require(
            !configuration.kafka.bootstrapServers.isEmpty,
            "kafka.bootstrap_servers",
            "host:port"
        )
        try require(configuration.kafka.timeout.duration > .zero, "kafka.timeout", "more than 0")
        try require((0...65535).contains(broker.port), "broker.port", "0 to 65535")
        try require(!broker.data.isEmpty, "broker.data", "a directory")
        try require(
            (1...10_000).contains(broker.defaultPartitions),
            "broker.default_partitions",
            "1 to 10000"
        )
        try require(broker.maximumConnections > 0, "broker.maximum_connections", positive)
        try require(
            broker.flushInterval.duration >= .milliseconds(1),
            "broker.flush_interval",
            "1ms or more"
        )
        try require(!configuration.store.directory.isEmpty, "store.directory", "a directory")
        try require(!configuration.model.name.isEmpty, "model.name", "a name")
        let replication = configuration.topics.replicationFactor
        try require(
            replication == -1 || (1...32767).contains(replication),
            "topics.replication_factor",
            "-1 (the broker chooses) or 1 to 32767"
        )
        for (role, name) in configuration.topics.names.all {
            try require(
                TopicNames.isValid(name),
                "topics.names.\(role.settingKey)",
                "1 to 249 letters, digits, dots, underscores or hyphens"
            )
        }
        try require(
            Set(configuration.topics.names.all.map(\.name)).count == TopicRole.allCases.count,
            "topics.names",
            "a different name for each topic"
        )
        try require(
            trainer.publishInterval.duration >= .milliseconds(1),
            "trainer.publish_interval",
            "1ms or more"
        )
        try require(
            trainer.checkpointInterval.duration > .zero || trainer.checkpointEvents > 0,
            "trainer.checkpoint_interval",
            "more than 0 unless trainer.checkpoint_events is"
        )
        try require(trainer.checkpointEvents >= 0, "trainer.checkpoint_events", "0 (off) or more")
        try require(
            (1...100_000).contains(trainer.batchSize),
            "trainer.batch_size",
            "1 to 100000"
        )
        try require(!configuration.scorer.group.isEmpty, "scorer.group", "a name")
        try require(
            (1...100_000).contains(configuration.scorer.batchSize),
            "scorer.batch_size",
            "1 to 100000"
        )
        try validateModel()
    }

    /// The learner checks its own settings and names a field as Swift does: `implicit.negatives`.
    private func validateModel() throws(ConfigurationError) {
        do throws(LearningError) {
            try configuration.model.settings.validate()
        } catch {
            let field = error.message.prefix { $0 != " " }
            let steps = field.split(separator: ".").map { settingKey(String($0)) }
            let key = (["model", "settings"] + steps).joined(separator: ".")
            throw ConfigurationError(
                .outOfRange,
                "\(origin(of: key)): \(key)\(error.message.dropFirst(field.count))",
                remedy: error.remedy
            )
        }
    }
}
