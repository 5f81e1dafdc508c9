import Learning
import Logging

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
        var replicationFactorPolicy = ReplicationFactorPolicy.refuse
        var flushInterval = TimeSpan(.seconds(1))
        var retentionCheckInterval = TimeSpan(.seconds(300))
        var groupInitialRebalanceDelay = TimeSpan(.zero)
        var offsetsRetention = TimeSpan(.seconds(604_800))
        var producerIDExpiration = TimeSpan(.seconds(86_400))
        var segmentSize = ByteSize(mebibytes: 128)
        var maximumBatchSize = ByteSize(bytes: 1_048_588)
        var checkEverything = false
        var requestMemory = ByteSize(mebibytes: 256)
        var minimumFreeSpace = ByteSize(mebibytes: 256)
        var maximumConnections = 1000
    }

    /// Where model versions are kept.
    struct Store: Codable, Sendable, Equatable {
        var directory = ".freshet/store"
        var keepVersions = 10
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
        var maximumIncrements = 20
        var duplicateWindow = 1_000_000
        var niceness = 0
    }

    /// The process that answers.
    struct Scorer: Codable, Sendable, Equatable {
        /// What `serve` is called when no alias is served.
        static let live = "live"

        var group = "freshet-scorer"
        var batchSize = 256
        var start = StartPosition.earliest
        var exactlyOnce = false
        var instance = "0"
        var serve = Scorer.live
    }

    /// What is written to standard error.
    struct Log: Codable, Sendable, Equatable {
        var level = Logger.Level.info
    }
}

/// What the embedded broker does when a topic is to have more replicas than there are brokers.
enum ReplicationFactorPolicy: String, Codable, Sendable, CaseIterable {
    /// Answer with an error.
    case refuse
    /// Create the topic with one.
    case clamp
}

/// Where reading begins when nothing says otherwise.
enum StartPosition: String, Codable, Sendable, CaseIterable {
    /// At the first record still in the log.
    case earliest
    /// At the end: only records that come later.
    case latest
}
