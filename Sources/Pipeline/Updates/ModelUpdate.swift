import Learning
import ModelStore
import Streaming

/// Which update of which trainer a message on `model-updates` is.
///
/// Sequences are gapless within an epoch and begin with 1, which announces the checkpoint that the
/// epoch starts from. The hash of an update covers its predecessor's hash, so two updates with the
/// same hash have the same history.
public struct UpdateIdentity: Sendable, Equatable {
    /// The model's name; also the message's key.
    public var model: String
    /// The trainer's epoch: each start of a trainer takes the next.
    public var epoch: Int64
    /// The number of the update in its epoch, from 1.
    public var sequence: Int64
    /// Hash of the update before it; 64 zeros for the first of an epoch.
    public var previous: String
    /// The largest event timestamp learned, in milliseconds since 1970; -1 before the first event.
    public var watermark: Int64
    /// How much of the model's journal the state after this update has learned.
    public var position: Int64

    /// The predecessor hash of an epoch's first update.
    public static let noPredecessor = String(repeating: "0", count: 64)
}

/// What an update says.
public enum UpdateContent: Sendable, Equatable {
    /// Changed rows, as a safetensors file.
    case delta([UInt8])
    /// A version is complete in the store.
    case checkpoint(CheckpointAnnouncement)
}

/// A version of a model that is complete in the store, and the update that its state follows.
public struct CheckpointAnnouncement: Sendable, Equatable, Codable {
    /// The version's number in the store.
    public var version: Int64
    /// SHA-256 of its blob.
    public var blob: String
    /// Events learned by it.
    public var events: Int64
    /// The last update that its state contains; 0 for the state that an epoch starts from.
    public var stateSequence: Int64
}

/// A message on `model-updates`.
public struct ModelUpdate: Sendable, Equatable {
    /// Which update it is.
    public var identity: UpdateIdentity
    /// What it says.
    public var content: UpdateContent
    /// Which store's trainer sent it: the same text for all updates of a model from one store.
    ///
    /// It tells apart trainers that know nothing of each other; no part of the hash.
    public var origin: String
    /// Which start of a trainer sent it: random, no part of the hash.
    ///
    /// It tells apart trainers with copies of one store, which take the same epoch.
    public var trainer: String
    /// SHA-256 over identity, predecessor and payload: the `previous` of the next update.
    public var hash: String

    /// Names an update and computes its hash.
    public init(
        identity: UpdateIdentity,
        content: UpdateContent,
        origin: String = "",
        trainer: String = ""
    ) throws(PipelineError) {
        self.identity = identity
        self.content = content
        self.origin = origin
        self.trainer = trainer
        hash = try Self.hash(identity, payload: UpdateFormat.payload(of: content))
    }

    private static func hash(
        _ identity: UpdateIdentity,
        payload: [UInt8]
    ) throws(PipelineError) -> String {
        let head =
            "\(identity.model)\n\(identity.epoch)\n\(identity.sequence)\n"
            + "\(identity.previous)\n\(identity.watermark)\n\(identity.position)\n"
        return try store(try ContentHash.sha256([Array(head.utf8), payload]))
    }
}
