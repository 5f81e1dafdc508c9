import Learning
import Logging
import ModelStore
import Synchronization

/// Writes checkpoints beside the trainer's loop, one at a time, each on a thread of its own.
///
/// A checkpoint is an increment on the newest version, or a whole file: for the first version, after
/// `maximumIncrements` of them, and when they have grown to half of the whole file. While learning
/// waits for it there may be twice as many.
final class CheckpointWriter: Sendable {
    /// What of a state is to be written.
    enum Content: Sendable {
        /// All of it.
        case whole(NamedTensors)
        /// What changed since the last checkpoint that was taken, in parts.
        case parts([NamedTensors], StateLayout)
    }

    /// What a version says of its state, given its file and the version that it adds to.
    typealias Describe = @Sendable (BlobReference, _ base: Int64?) -> NewVersion

    private enum State {
        case idle
        case writing
        case finished(Result<ModelVersion, PipelineError>)
    }

    /// Of whoever writes: one at a time.
    private struct Written {
        /// The files that the newest version is made of.
        var chain: [ModelVersion] = []
        /// What changed since the newest version and could not be written.
        var owed: NamedTensors?
        /// Whether those files turned out to be of no use: all of the state must be written.
        var isDamaged = false
    }

    private let modelStore: ModelStore
    private let maximumIncrements: Int
    private let retention: RetentionPolicy
    private let logger: Logger
    private let state = Mutex(State.idle)
    private let written = Mutex(Written())

    /// Nothing of the run may be in a file: same journal, same bytes.
    static let wholeFormat = [("format", "freshet-checkpoint-1")]
    static let incrementFormat = [("format", "freshet-increment-1")]

    /// A writer that, after each version, prunes those that `retention` does not keep.
    init(
        store: ModelStore,
        maximumIncrements: Int,
        retention: RetentionPolicy,
        logger: Logger
    ) {
        modelStore = store
        self.maximumIncrements = maximumIncrements
        self.retention = retention
        self.logger = logger
    }

    /// Goes on from the version that was restored; empty for a model without one.
    func begin(after chain: [ModelVersion]) {
        written.withLock { $0 = Written(chain: chain) }
    }

    /// Whether a checkpoint is being written or its outcome waits to be taken.
    var isBusy: Bool {
        state.withLock { state in
            if case .idle = state { false } else { true }
        }
    }

    /// Whether only all of the state can be the next checkpoint.
    var needsWhole: Bool { written.withLock { $0.isDamaged } }

    /// Begins to write a checkpoint.
    ///
    /// The writer must be idle.
    func begin(_ content: Content, describe: @escaping Describe) {
        state.withLock { $0 = .writing }
        _ = WorkerThread(name: "checkpoint") { [self] in
            let outcome = Result { () throws(PipelineError) in
                try write(content, describe: describe)
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

    /// Writes a checkpoint on the caller's thread: the file first, then the row that names it.
    ///
    /// What could not be written is part of the next one. `isUrgent` says that learning waits for it.
    func write(
        _ content: Content,
        isUrgent: Bool = false,
        describe: Describe
    ) throws(PipelineError) -> ModelVersion {
        var (chain, owed) = written.withLock { ($0.chain, $0.owed) }
        let blob: BlobReference
        let isWhole: Bool
        switch content {
        case .whole(let state):
            (blob, isWhole) = (try write(state, format: Self.wholeFormat), true)
        case .parts(let parts, let layout):
            let increment = Increment.merged((owed.map { [$0] } ?? []) + parts, layout: layout)
            owed = nil
            written.withLock { $0.owed = increment }
            isWhole = isWholeDue(chain, adding: increment, isUrgent: isUrgent)
            blob =
                isWhole
                ? try writeWhole(chain, adding: increment, layout)
                : try write(increment, format: Self.incrementFormat)
        }
        let base = isWhole ? nil : chain.last?.number
        let version = try store(try modelStore.addVersion(describe(blob, base)))
        chain = isWhole ? [version] : chain + [version]
        written.withLock { $0 = Written(chain: chain) }
        prune(version.model)
        return version
    }

    /// Deletes the files of older versions; what fails is done after the next version.
    private func prune(_ model: String) {
        do throws(ModelStoreError) {
            _ = try modelStore.prune(model: model, keep: retention)
        } catch {
            logger.warning("older versions were not pruned: \(error)")
        }
    }

    private func isWholeDue(
        _ chain: [ModelVersion],
        adding increment: NamedTensors,
        isUrgent: Bool
    ) -> Bool {
        guard let whole = chain.first else { return true }
        let increments = chain.dropFirst()
        let byteCount = increments.reduce(Int64(increment.byteCount)) { $0 + $1.blob.byteCount }
        let share: Int64 = isUrgent ? 1 : 2
        return increments.count >= (isUrgent ? 2 : 1) * maximumIncrements
            || byteCount * share >= whole.blob.byteCount
    }

    private func write(
        _ tensors: NamedTensors,
        format: [(String, String)]
    ) throws(PipelineError) -> BlobReference {
        try store(
            try modelStore.writeBlob { writer throws(ModelStoreError) in
                for chunk in Safetensors.encode(tensors, metadata: format) {
                    try writer.append(chunk)
                }
            }
        )
    }

    private func writeWhole(
        _ chain: [ModelVersion],
        adding increment: NamedTensors,
        _ layout: StateLayout
    ) throws(PipelineError) -> BlobReference {
        do throws(ModelStoreError) {
            return try merge(chain, with: increment, layout)
        } catch {
            if error.kind == .damaged || error.kind == .missing {
                written.withLock { $0.isDamaged = true }
            }
            throw PipelineError(error)
        }
    }

    /// Puts the files of the newest version and what came after it together, piece by piece.
    private func merge(
        _ chain: [ModelVersion],
        with increment: NamedTensors,
        _ layout: StateLayout
    ) throws(ModelStoreError) -> BlobReference {
        var base: SafetensorsFile?
        if let whole = chain.first {
            try modelStore.verify(whole.blob)
            base = try reading(try SafetensorsFile(path: modelStore.blobPath(whole.blob)))
        }
        var increments: [NamedTensors] = []
        for version in chain.dropFirst() {
            let bytes = try modelStore.readBlob(version.blob)
            increments.append(try reading(try Safetensors.decode(bytes).tensors))
        }
        let merged = Increment.merged(increments + [increment], layout: layout)
        increments = []
        return try modelStore.writeBlob { writer throws(ModelStoreError) in
            try Increment.writeWhole(
                base: base,
                increment: merged,
                layout: layout,
                metadata: Self.wholeFormat,
                unreadable: Self.damage,
                to: { bytes throws(ModelStoreError) in try writer.append(bytes) }
            )
        }
    }

    private func reading<Value>(
        _ call: @autoclosure () throws(LearningError) -> Value
    ) throws(ModelStoreError) -> Value {
        do { return try call() } catch { throw Self.damage(error) }
    }

    private static func damage(_ error: LearningError) -> ModelStoreError {
        ModelStoreError(.damaged, error.message, remedy: error.remedy)
    }
}

extension NamedTensors {
    /// Bytes of all tensors.
    var byteCount: Int { names.reduce(0) { $0 + (self[$1]?.bytes.count ?? 0) } }
}
