/// A model that learns from events one after another, while it is being used.
///
/// Trainer, scorer, store and tests are generic over this protocol. A learner is owned by one
/// thread. Its state after a sequence of events is a pure function of settings and that sequence: it
/// must not depend on how the sequence was cut into batches, on the clock, or on unordered
/// iteration; random numbers are keyed by (seed, partition, offset).
public protocol Learner: AnyObject, SendableMetatype {
    /// What an operator can set; part of every checkpoint's lineage.
    associatedtype Settings: LearnerSettings
    /// Decoded events, in columns; reused from batch to batch.
    associatedtype Events: EventColumns
    /// The part of the state that answers requests.
    associatedtype Model: ServableModel where Model.Settings == Settings

    /// A learner that has learned nothing. Throws when a setting is out of range.
    init(settings: Settings) throws(LearningError)

    /// The learner whose `encode` gave this state. Throws when tensors are missing or misshapen, or
    /// were made with settings that change the shape of the state. Reads piece by piece: needs
    /// little more memory than the state itself.
    init(settings: Settings, state: any TensorSource) throws(LearningError)

    /// Brings the state to where the learner was whose checkpoint parts, merged, are `increment`.
    ///
    /// Everything is checked before anything is changed: what does not fit, or belongs on another
    /// state, is refused, and the state is as before. Only when the file cannot be read on
    /// (`unreadable`) is the learner lost.
    func restore(_ increment: any TensorSource) throws(LearningError)

    /// Decodes raw events into `events` (cleared first). Pure: reads no state of the learner.
    ///
    /// An event that cannot be decoded is left out and described in `rejections`, in order.
    static func decode(
        _ encoded: EncodedBatch,
        settings: Settings,
        into events: inout Events,
        rejections: inout [Rejection]
    )

    /// Learns the events in their order: for each, predict, score the prediction, then learn.
    func learn(_ events: Events)

    /// What changed in the servable model since the last call: rows as absolute values. Empty when
    /// nothing changed. A model that applies every delta in order answers exactly as this learner.
    func takeDelta() -> NamedTensors

    /// The tables of the state.
    var layout: StateLayout { get }

    /// The whole state: servable model, optimizer, evaluation. A copy, independent of later learning.
    /// The tensors of the servable model are named `model.…`.
    func encode() -> NamedTensors

    /// About `byteCount` bytes of rows that changed since the last completed checkpoint; nil when
    /// it is time for the last part: when no more than that is left, or when rows change as fast as
    /// they are taken. Called between batches: what changes again comes again in a later part. Rows that
    /// the next delta will carry come after it has been taken, or in the last part: take it first.
    func takeCheckpointPart(byteCount: Int) -> NamedTensors?

    /// What another thread may do so that the last part is taken sooner; nil when there is nothing.
    /// What it is for is gone once a part is taken.
    func prepareLastCheckpointPart() -> (@Sendable () -> Void)?

    /// All changed rows that are left, and the whole tensors: completes a checkpoint.
    ///
    /// All parts in order, merged, are the increment from the checkpoint before to now. The first
    /// one of a new learner is put on nothing.
    func takeLastCheckpointPart() -> NamedTensors

    /// Takes all of the state for changed: the next checkpoint is put on nothing, as that of a new
    /// learner.
    func beginWholeCheckpoint()

    /// Number of events learned since the beginning (accepted ones; rejected ones do not count).
    var eventCount: Int64 { get }

    /// Prequential quality so far, in a fixed order.
    var metrics: [Metric] { get }
}

extension Learner {
    /// Nothing.
    public func prepareLastCheckpointPart() -> (@Sendable () -> Void)? { nil }
}

/// Decoded events of one batch.
public protocol EventColumns {
    /// No events.
    init()
    /// Number of events.
    var count: Int { get }
    /// When each event happened, by its own `timestamp`: milliseconds since 1970, one per event.
    var timestamps: [Int64] { get }
    /// What stands for the event's own `id`; nil when it has none. Copies of an event have the same.
    func identity(at index: Int) -> EventIdentity?
    /// Calls `body` with whom the event is about (the user's id), as the learner knows it.
    func withSubject<Result>(
        at index: Int,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result
    /// Leaves out the events for which `isKept`, called once for each in their order, says false.
    mutating func keep(where isKept: (Int) -> Bool)
}

/// The servable part of a learner: what a scorer holds.
///
/// Owned by one thread; learns nothing.
public protocol ServableModel: AnyObject, SendableMetatype {
    /// As the learner's settings.
    associatedtype Settings: LearnerSettings

    /// The model in a learner's encoded state; reads the `model.…` tensors only, piece by piece.
    init(settings: Settings, state: any TensorSource) throws(LearningError)

    /// Brings the model up by a learner's increment, of which it reads the `model.…` tensors only.
    ///
    /// Refuses what does not fit as `Learner.restore` does.
    func restore(_ increment: any TensorSource) throws(LearningError)

    /// An empty model, as that of a learner that has learned nothing.
    init(settings: Settings) throws(LearningError)

    /// Brings the model to the state after the learner's `takeDelta`. A delta that does not fit is
    /// refused as a whole: the model is then as before.
    func apply(_ delta: NamedTensors) throws(LearningError)

    /// The whole model: the tensors named `model.…` of the learner's `encode`, bit for bit.
    func encode() -> NamedTensors

    /// Answers raw requests, one answer per request in the same order.
    ///
    /// `stamp` is written into every answer.
    func answer(_ requests: EncodedBatch, stamp: ModelStamp) -> [Answer]
}

/// Which state of which model an answer came from.
public struct ModelStamp: Sendable, Equatable {
    /// The model's name.
    public var model: String
    /// The newest published version that the state contains.
    public var version: Int64
    /// The trainer's epoch.
    public var epoch: Int64
    /// The last update applied.
    public var sequence: Int64
    /// The largest event timestamp learned, in milliseconds since 1970; -1 before the first event.
    public var watermark: Int64
    /// How much of the model's journal the state has learned: it leads to the events behind an
    /// answer.
    public var position: Int64

    /// Names a state.
    public init(
        model: String,
        version: Int64,
        epoch: Int64,
        sequence: Int64,
        watermark: Int64,
        position: Int64
    ) {
        self.model = model
        self.version = version
        self.epoch = epoch
        self.sequence = sequence
        self.watermark = watermark
        self.position = position
    }
}

/// What a model says to one request.
public struct Answer: Sendable {
    /// The encoded answer; also present on refusal when the asker can be told.
    ///
    /// Nil: nothing to send.
    public var value: [UInt8]?
    /// Why the request was refused; nil when it was answered.
    public var refusal: String?

    /// Makes an answer.
    public init(value: [UInt8]?, refusal: String? = nil) {
        self.value = value
        self.refusal = refusal
    }
}

/// A named figure.
public struct Metric: Sendable, Equatable, Codable {
    /// The name, such as `recall@10` or `window.rmse`.
    public var name: String
    /// The value; not finite when it cannot be computed yet.
    public var value: Double

    /// Names a figure.
    public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}
