import Streaming

/// What a trainer reads, where it publishes, and how often.
public struct TrainerSettings: Sendable, Equatable {
    /// Where to begin in a partition that the model has never read.
    public enum Start: String, Sendable, Codable {
        /// With the oldest record still in the log.
        case earliest
        /// With the next record that is appended.
        case latest
    }

    /// The model's name in the store and on `model-updates`.
    public var model: String
    /// The topics of events.
    public var inputs: [String]
    /// The topic of model updates.
    public var updatesTopic: String
    /// The partition of it that belongs to this model.
    public var updatesPartition: Int32
    /// The topic for events that cannot be decoded.
    public var deadLettersTopic: String
    /// Where to begin in a partition that the model has never read.
    public var start: Start
    /// Records per batch, at most.
    public var batchSize: Int
    /// Longest wait for a batch to fill.
    public var batchWait: Duration
    /// Time between deltas while events come in.
    public var publishInterval: Duration
    /// Time between checkpoints while events come in.
    public var checkpointInterval: Duration
    /// Events between checkpoints; 0 for no such limit.
    public var checkpointEvents: Int64
    /// Versions in a row that hold only what changed since the one before.
    public var maximumIncrements: Int
    /// How many of the newest versions keep their files.
    public var keptVersions: Int
    /// How many of the last events with an `id` are remembered, so that copies are left out; 0: none.
    public var duplicateWindow: Int
    /// Whether to return, with a last checkpoint, once all records that were in the log at start
    /// have been learned.
    public var stopsAtEnd: Bool
    /// What built the program, for the lineage of versions.
    public var codeRevision: String

    /// Settings with the defaults of `config/freshet.yaml`.
    public init(
        model: String,
        inputs: [String],
        updatesTopic: String,
        updatesPartition: Int32 = 0,
        deadLettersTopic: String,
        start: Start = .earliest,
        batchSize: Int = 2000,
        batchWait: Duration = .milliseconds(5),
        publishInterval: Duration = .milliseconds(100),
        checkpointInterval: Duration = .seconds(30),
        checkpointEvents: Int64 = 0,
        maximumIncrements: Int = 20,
        keptVersions: Int = 10,
        duplicateWindow: Int = 1_000_000,
        stopsAtEnd: Bool = false,
        codeRevision: String = "unknown"
    ) {
        self.model = model
        self.inputs = inputs
        self.updatesTopic = updatesTopic
        self.updatesPartition = updatesPartition
        self.deadLettersTopic = deadLettersTopic
        self.start = start
        self.batchSize = batchSize
        self.batchWait = batchWait
        self.publishInterval = publishInterval
        self.checkpointInterval = checkpointInterval
        self.checkpointEvents = checkpointEvents
        self.maximumIncrements = maximumIncrements
        self.keptVersions = keptVersions
        self.duplicateWindow = duplicateWindow
        self.stopsAtEnd = stopsAtEnd
        self.codeRevision = codeRevision
    }

    var updatesLog: TopicPartition {
        TopicPartition(topic: updatesTopic, partition: updatesPartition)
    }
}
