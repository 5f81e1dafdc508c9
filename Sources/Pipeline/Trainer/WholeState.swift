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

    /// Writes the file into the store; durable on return.
    public func write(to store: ModelStore) throws(ModelStoreError) -> BlobReference {
        try store.writeBlob(file)
    }
}
