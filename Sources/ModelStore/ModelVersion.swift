/// A checkpoint to be recorded: where its bytes are and what they come from.
public struct NewVersion: Sendable {
    /// How a version came to be.
    public enum Kind: String, Codable, Sendable {
        /// The running model went on learning.
        case stateful
        /// A model was learned anew from a window of the log.
        case retrained
    }

    /// The model's name.
    public var model: String
    /// The epoch of the trainer that made it.
    public var epoch: Int64
    /// How it came to be.
    public var kind: Kind
    /// The state, as a file of the store: all of it, or what changed since `base`.
    public var blob: BlobReference
    /// The version to whose state the file adds; nil when the file is the whole state.
    public var base: Int64?
    /// The branch on which it was learned: `ModelStore.currentBranch`.
    public var branch: Int64
    /// The learner's settings, as JSON.
    public var settings: String
    /// The revision of the program that learned it.
    public var codeRevision: String
    /// How much of the model's journal it has learned.
    public var journalPosition: Int64
    /// Where to go on reading in each partition.
    public var nextOffsets: [OffsetPosition]
    /// The last model update that it contains, within its epoch.
    public var sequence: Int64
    /// The hash of that update.
    public var updateHash: String
    /// The offset on `model-updates` from which to go on reading.
    public var updatesOffset: Int64
    /// The largest event timestamp learned, in milliseconds since 1970.
    public var watermark: Int64
    /// The number of events learned since the beginning.
    public var eventCount: Int64
    /// Prequential quality, in the learner's order; not finite: could not be computed.
    public var metrics: [(name: String, value: Double)]
    /// When it was made, in milliseconds since 1970.
    public var createdAt: Int64

    /// Describes a checkpoint.
    public init(
        model: String,
        epoch: Int64,
        kind: Kind,
        blob: BlobReference,
        base: Int64?,
        branch: Int64,
        settings: String,
        codeRevision: String,
        journalPosition: Int64,
        nextOffsets: [OffsetPosition],
        sequence: Int64,
        updateHash: String,
        updatesOffset: Int64,
        watermark: Int64,
        eventCount: Int64,
        metrics: [(name: String, value: Double)],
        createdAt: Int64
    ) {
        self.model = model
        self.epoch = epoch
        self.kind = kind
        self.blob = blob
        self.base = base
        self.branch = branch
        self.settings = settings
        self.codeRevision = codeRevision
        self.journalPosition = journalPosition
        self.nextOffsets = nextOffsets
        self.sequence = sequence
        self.updateHash = updateHash
        self.updatesOffset = updatesOffset
        self.watermark = watermark
        self.eventCount = eventCount
        self.metrics = metrics
        self.createdAt = createdAt
    }
}

/// A recorded checkpoint: immutable, numbered per model.
///
/// Every field of what was recorded reads as its own: `version.blob`, `version.sequence`.
@dynamicMemberLookup
public struct ModelVersion: Sendable {
    /// How a version came to be.
    public typealias Kind = NewVersion.Kind

    /// Its number, counted from 1.
    public let number: Int64
    /// The version before it, which it went on from or replaces; nil for the first.
    public let parent: Int64?
    /// Whether its file has been given up: it can be rebuilt from the log, not loaded.
    public let isPruned: Bool
    /// What was recorded.
    public let contents: NewVersion

    /// A field of what was recorded.
    public subscript<Value>(dynamicMember field: KeyPath<NewVersion, Value>) -> Value {
        contents[keyPath: field]
    }
}

/// A version that cannot be loaded.
public struct DamagedVersion: Sendable {
    /// The version.
    public let version: ModelVersion
    /// What is wrong with its file.
    public let problem: ModelStoreError
}
