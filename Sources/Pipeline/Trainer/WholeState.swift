public import Learning
public import ModelStore

/// A whole state as the file that a whole checkpoint of it would be.
///
/// Equal states have equal files, and so equal hashes.
public struct WholeState: Sendable {
    /// The file, in pieces.
    public let file: [[UInt8]]
    /// The SHA-256 of the file, as `sha256sum` prints it.
    public let hash: String

    /// The file of a state as `TrainedModel.encode` returns it.
    public init(_ state: NamedTensors) throws(ModelStoreError) {
        file = Safetensors.encode(state, metadata: CheckpointWriter.wholeFormat)
        hash = try ContentHash.sha256(file)
    }

    /// The part of a state that answers requests: what a scorer that is in step holds.
    ///
    /// The tensors may be those of a whole state or of a scorer's model.
    public init(servedPartOf state: NamedTensors) throws(ModelStoreError) {
        var served = NamedTensors()
        for name in state.names where name.hasPrefix("model.") { served[name] = state[name] }
        try self.init(served)
    }

    /// Writes the file into the store; durable on return.
    public func write(to store: ModelStore) throws(ModelStoreError) -> BlobReference {
        try store.writeBlob(file)
    }
}
