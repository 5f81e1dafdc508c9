import Learning
public import Streaming

/// Which state of a model answers.
public enum ServedState {
    /// The newest: the newest version and every update since, which this source reads.
    case live(updates: any RecordSource)
    /// The version that an alias points to, and no other.
    case alias(String)
}

/// What keeps the replica that answers as it should be.
///
/// Owned by the scorer's thread.
protocol Follower<Model> {
    associatedtype Model: ServableModel

    /// The replica that answers; nil until the first version is loaded.
    var serving: Replica<Model>? { get }

    /// Does what is there to be done; does not wait.
    mutating func step() throws(PipelineError)

    /// What it has seen, without the counts of requests.
    func currentStatus() -> ScorerStatus
}

extension ScorerStatus {
    /// Says which state a replica is in.
    mutating func show<Model>(_ replica: Replica<Model>) {
        isServing = true
        epoch = replica.epoch
        sequence = replica.sequence
        hash = replica.hash
        version = replica.version
        watermark = replica.watermark
    }
}
