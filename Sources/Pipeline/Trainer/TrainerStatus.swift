public import Learning
public import Streaming

/// What a trainer is doing, for people and for tests.
///
/// Posted at every publish.
public struct TrainerStatus: Sendable, Equatable {
    /// How far the trainer has come.
    public enum Phase: String, Sendable {
        /// Looking for its topics.
        case connecting
        /// Loading the newest checkpoint and replaying the journal after it.
        case recovering
        /// Learning from the log.
        case live
        /// Writing the last version.
        case finishing
        /// Done.
        case stopped
    }

    /// How far the trainer has come.
    public var phase = Phase.connecting
    /// This trainer's epoch; 0 before it has one.
    public var epoch: Int64 = 0
    /// The newest update sent.
    public var sequence: Int64 = 0
    /// The newest version announced; 0 before the first.
    public var version: Int64 = 0
    /// Versions announced by this trainer.
    public var versionsPublished = 0
    /// Deltas sent by this trainer.
    public var deltasPublished: Int64 = 0
    /// Bytes of delta payloads sent by this trainer.
    public var deltaBytes: Int64 = 0
    /// Events learned by the model since its beginning.
    public var eventCount: Int64 = 0
    /// Events learned again from the journal at start, after the checkpoint.
    public var replayedRecords: Int64 = 0
    /// Records learned from the log since this trainer went live, rejected ones included.
    public var liveRecords: Int64 = 0
    /// Time since it went live, until the end of its inputs if it stops there.
    public var liveDuration = Duration.zero
    /// Records sent to the dead letters by this trainer.
    public var rejectedCount: Int64 = 0
    /// Events left out as copies of earlier ones, since the model's beginning.
    public var duplicateCount: Int64 = 0
    /// The largest event timestamp learned, in milliseconds since 1970.
    public var watermark: Int64 = -1
    /// Prequential quality.
    public var metrics: [Metric] = []
    /// The offset of the next record to be read, for each partition.
    public var positions: [TopicPartition: Offset] = [:]
    /// Time spent copying state for checkpoints while the loop waited, in seconds.
    public var checkpointPause: Double = 0
    /// The longest time that copying state for a checkpoint held learning up at once.
    public var longestPause = Duration.zero
    /// How long it took until it learned, since it started or an operator made it start again.
    public var recovery = RecoveryTimes()
    /// Why the last checkpoint could not be written; nil when it was.
    public var checkpointFailure: String?
    /// Why updates are not getting through to the scorers; nil when they are.
    public var updatesFailure: String?

    /// The status of a trainer that has not begun.
    public init() {}
}
