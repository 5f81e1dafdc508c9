import Streaming

/// What a scorer serves, and where requests come from and answers go.
public struct ScorerSettings: Sendable, Equatable {
    /// The model's name in the store and on `model-updates`.
    public var model: String
    /// The topic of model updates.
    public var updatesTopic: String
    /// The partition of it that belongs to this model.
    public var updatesPartition: Int32
    /// The topic for answers.
    public var answersTopic: String
    /// The topic for requests that are refused.
    public var deadLettersTopic: String
    /// Requests answered together, at most.
    public var batchSize: Int
    /// Longest wait for a batch of requests to fill: a bound on what batching adds to an answer.
    public var batchWait: Duration
    /// Batches whose answers may be under way; beyond that no requests are read.
    public var maximumOutstandingBatches: Int
    /// Whether the state that answers is hashed in the end, to be compared with others.
    public var hashesState: Bool

    /// Settings with the defaults of `config/freshet.yaml`.
    public init(
        model: String,
        updatesTopic: String,
        updatesPartition: Int32 = 0,
        answersTopic: String,
        deadLettersTopic: String,
        batchSize: Int = 256,
        batchWait: Duration = .milliseconds(2),
        maximumOutstandingBatches: Int = 256,
        hashesState: Bool = false
    ) {
        self.model = model
        self.updatesTopic = updatesTopic
        self.updatesPartition = updatesPartition
        self.answersTopic = answersTopic
        self.deadLettersTopic = deadLettersTopic
        self.batchSize = batchSize
        self.batchWait = batchWait
        self.maximumOutstandingBatches = maximumOutstandingBatches
        self.hashesState = hashesState
    }

    var updatesLog: TopicPartition {
        TopicPartition(topic: updatesTopic, partition: updatesPartition)
    }
}

/// Updates that were not applied as they came, by what was wrong with them.
public struct UpdateFaults: Sendable, Equatable {
    /// Updates before which others are missing.
    public var gaps: Int64 = 0
    /// Updates seen before.
    public var duplicates: Int64 = 0
    /// Updates of a trainer that had been replaced.
    public var zombies: Int64 = 0
    /// Updates whose number is the next, or that of the last, and whose history is another.
    public var wrongPredecessors: Int64 = 0
    /// Records that are no update, or not as they were sent.
    public var damaged: Int64 = 0
    /// Deltas that are as they were sent and do not fit the model.
    public var refused: Int64 = 0

    /// The counts of a scorer that has not begun.
    public init() {}
}

/// What a scorer is doing, for people and for tests.
public struct ScorerStatus: Sendable, Equatable {
    /// Whether it has a model to answer with.
    public var isServing = false
    /// The trainer's epoch of the state that answers.
    public var epoch: Int64 = 0
    /// The last update in that state.
    public var sequence: Int64 = 0
    /// The hash of that update.
    public var hash = UpdateIdentity.noPredecessor
    /// The newest version that the state contains.
    public var version: Int64 = 0
    /// The largest event timestamp in the state, in milliseconds since 1970.
    public var watermark: Int64 = -1
    /// Deltas applied.
    public var deltasApplied: Int64 = 0
    /// Versions picked up: loaded from the store, or announced while the state was in step.
    public var versionsPickedUp = 0
    /// Versions loaded from the store, at start and to heal.
    public var loads = 0
    /// Whether the state that answers is kept up to date; false while something has to be loaded.
    public var isFollowing = false
    /// How long ago the state that answers last changed; nil before there is one.
    public var age: Duration?
    /// What was wrong with updates, so far.
    public var faults = UpdateFaults()
    /// Requests answered.
    public var answered: Int64 = 0
    /// Requests refused.
    public var refused: Int64 = 0
    /// SHA-256 of the state that answered last, once the scorer has ended, if it was to be hashed.
    ///
    /// That of `WholeState(servedPartOf:)`: the trainer's state has the same.
    public var stateHash: String?
    /// Time from event to servable.
    public var freshness = FreshnessSummary.none

    /// The status of a scorer that has not begun.
    public init() {}
}
