import Learning
import ModelStore
import Synchronization

/// Writes checkpoints beside the trainer's loop, one at a time, each on a thread of its own.
final class CheckpointWriter: Sendable {
    private enum State {
        case idle
        case writing
        case finished(Result<ModelVersion, PipelineError>)
    }

    private let modelStore: ModelStore
    private let state = Mutex(State.idle)

    init(store: ModelStore) {
        modelStore = store
    }

    /// Whether a checkpoint is being written or its outcome waits to be taken.
    var isBusy: Bool {
        state.withLock { state in
            if case .idle = state { false } else { true }
        }
    }

    /// Begins to write a checkpoint.
    ///
    /// The writer must be idle.
    func begin(
        _ tensors: NamedTensors,
        makeVersion: @escaping @Sendable (BlobReference) -> NewVersion
    ) {
        state.withLock { $0 = .writing }
        _ = WorkerThread(name: "checkpoint") { [self] in
            let outcome = Result { () throws(PipelineError) in
                try write(tensors, makeVersion: makeVersion)
            }
            state.withLock { $0 = .finished(outcome) }
        }
    }

    /// The outcome of the checkpoint that was begun, once it is there; the writer is then idle.
    func takeOutcome() -> Result<ModelVersion, PipelineError>? {
        state.withLock { state in
            guard case .finished(let outcome) = state else { return nil }
            state = .idle
            return outcome
        }
    }

    /// Writes a checkpoint on the caller's thread: the blob first, then the row that names it.
    func write(
        _ tensors: NamedTensors,
        makeVersion: (BlobReference) -> NewVersion
    ) throws(PipelineError) -> ModelVersion {
        // Nothing of the run may be in the blob: same journal, same bytes.
        let chunks = Safetensors.encode(tensors, metadata: [("format", "freshet-checkpoint-1")])
        let blob = try store(
            try modelStore.writeBlob { writer throws(ModelStoreError) in
                for chunk in chunks { try writer.append(chunk) }
            }
        )
        return try store(try modelStore.addVersion(makeVersion(blob)))
    }
}
