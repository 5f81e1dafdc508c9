import Learning
import Logging
import ModelStore
import Synchronization

/// Writes checkpoints beside the trainer's loop, one at a time, on threads of their own.
///
/// A checkpoint comes in parts, which wait in a spool on the disk of the store; the last one completes
/// it. It is an increment on the newest version, or a whole file: for the first version, after
/// `maximumIncrements` of them, and when they have grown to half of the whole file. While learning
/// waits for it there may be four times as many. What cannot be written is part of the next one.
final class CheckpointWriter: Sendable {
    /// What a version says of its state, given its file and the version that it adds to.
    typealias Describe = @Sendable (BlobReference, _ base: Int64?) -> NewVersion

    /// Of whoever writes: one at a time.
    private struct Written {
        /// The files that the newest version is made of.
        var chain: [ModelVersion] = []
        /// Parts that have not been spooled: one that is about to be, or that there was no room for.
        var waiting: [NamedTensors] = []
        var spool: SpoolFile?
        /// What changed since the newest version, in order.
        var parts: [SpooledTensors] = []
        /// Whether files or spool turned out to be of no use: all of the state must be written.
        var isDamaged = false
        /// Bytes of the last whole file.
        var wholeByteCount: Int64 = 0
    }

    private let modelStore: ModelStore
    private let maximumIncrements: Int
    private let retention: RetentionPolicy
    private let logger: Logger
    /// Gives the version that was completed; nil when a part was spooled.
    private let call = BackgroundCall<ModelVersion?>(threadName: "checkpoint")
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
        let byteCount = chain.first?.blob.byteCount ?? 0
        written.withLock { $0 = Written(chain: chain, wholeByteCount: byteCount) }
    }

    /// Gives up all that was added: what comes next is all of the state.
    func startOver() {
        written.withLock { $0 = Written(wholeByteCount: $0.wholeByteCount) }
    }

    /// Whether something is being written or its outcome waits to be taken.
    var isBusy: Bool { call.isBusy }

    /// Whether a part waits that could not be spooled.
    var isPartWaiting: Bool { written.withLock { !$0.waiting.isEmpty } }

    /// Whether only all of the state can be the next checkpoint: files are damaged, or what could not
    /// be written takes more room than all of it would.
    var needsWhole: Bool {
        written.withLock { written in
            let spooled = Int64(written.spool?.byteCount ?? 0)
            return written.isDamaged
                || (written.wholeByteCount > 0 && spooled > 2 * written.wholeByteCount)
        }
    }

    /// Begins to spool a part, or without one what waits.
    ///
    /// The writer must be idle.
    func begin(adding part: NamedTensors? = nil) {
        if let part { written.withLock { $0.waiting.append(part) } }
        call.begin { [self] () throws(PipelineError) in
            try spool()
            return nil
        }
    }

    /// Begins to do what makes the last part quicker to take.
    ///
    /// The writer must be idle.
    func begin(preparing prepare: @escaping @Sendable () -> Void) {
        call.begin { () throws(PipelineError) in
            prepare()
            return nil
        }
    }

    /// Begins to complete a checkpoint.
    ///
    /// The writer must be idle.
    func begin(
        completingWith last: NamedTensors,
        layout: StateLayout,
        describe: @escaping Describe
    ) {
        // Not kept by the call, which takes much longer than to spool it.
        written.withLock { $0.waiting.append(last) }
        call.begin { [self] () throws(PipelineError) in
            try complete(layout, isUrgent: false, describe)
        }
    }

    /// The outcome of what was begun, once it is there; the writer is then idle.
    func takeOutcome() -> Result<ModelVersion?, PipelineError>? { call.takeOutcome() }

    /// Spools a part on the caller's thread.
    func add(_ part: NamedTensors) throws(PipelineError) {
        written.withLock { $0.waiting.append(part) }
        try spool()
    }

    /// Completes a checkpoint on the caller's thread; `isUrgent` says that learning waits for it.
    func complete(
        with last: NamedTensors,
        layout: StateLayout,
        isUrgent: Bool = false,
        describe: Describe
    ) throws(PipelineError) -> ModelVersion {
        written.withLock { $0.waiting.append(last) }
        return try complete(layout, isUrgent: isUrgent, describe)
    }

    private func spool() throws(PipelineError) {
        while let part = written.withLock({ $0.waiting.first }) {
            let spool = try openSpool()
            let spooled = try store(try SpooledTensors(part, in: spool))
            written.withLock { written in
                written.parts.append(spooled)
                written.waiting.removeFirst()
            }
        }
    }

    private func openSpool() throws(PipelineError) -> SpoolFile {
        if let spool = written.withLock({ $0.spool }) { return spool }
        let spool = try store(try modelStore.makeSpool())
        written.withLock { $0.spool = spool }
        return spool
    }

    /// Writes the file first, then the row that names it.
    private func complete(
        _ layout: StateLayout,
        isUrgent: Bool,
        _ describe: Describe
    ) throws(PipelineError) -> ModelVersion {
        try spool()
        let (blob, isWhole) = try writeFile(layout, isUrgent: isUrgent)
        let chain = written.withLock { $0.chain }
        let base = isWhole ? nil : chain.last?.number
        let version = try store(try modelStore.addVersion(describe(blob, base)))
        begin(after: isWhole ? [version] : chain + [version])
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
        adding increment: StateMerge,
        isUrgent: Bool
    ) -> Bool {
        guard let whole = chain.first else { return true }
        let increments = chain.dropFirst()
        let byteCount = increments.reduce(Int64(increment.byteCount)) { $0 + $1.blob.byteCount }
        let patience = isUrgent ? 4 : 1
        return increments.count >= patience * maximumIncrements
            || byteCount * 2 >= Int64(patience) * whole.blob.byteCount
    }

    private func writeFile(
        _ layout: StateLayout,
        isUrgent: Bool
    ) throws(PipelineError) -> (blob: BlobReference, isWhole: Bool) {
        let (chain, parts) = written.withLock { ($0.chain, $0.parts) }
        do throws(ModelStoreError) {
            if let blob = try writeIncrement(chain, parts, layout, isUrgent: isUrgent) {
                return (blob, false)
            }
            return (try writeWhole(chain, parts, layout), true)
        } catch {
            if error.kind == .damaged || error.kind == .missing {
                written.withLock { $0.isDamaged = true }
            }
            throw PipelineError(error)
        }
    }

    /// Writes the parts as an increment; nil when a whole file is due.
    private func writeIncrement(
        _ chain: [ModelVersion],
        _ parts: [SpooledTensors],
        _ layout: StateLayout,
        isUrgent: Bool
    ) throws(ModelStoreError) -> BlobReference? {
        let increment = try reading(try StateMerge(of: parts, layout: layout))
        guard !isWholeDue(chain, adding: increment, isUrgent: isUrgent) else { return nil }
        return try modelStore.writeBlob(increment, metadata: Self.incrementFormat)
    }

    /// Puts the files of the newest version and the parts together.
    private func writeWhole(
        _ chain: [ModelVersion],
        _ parts: [SpooledTensors],
        _ layout: StateLayout
    ) throws(ModelStoreError) -> BlobReference {
        var files: [SafetensorsFile] = []
        for version in chain {
            try modelStore.verify(version.blob)
            files.append(try reading(try SafetensorsFile(path: modelStore.blobPath(version.blob))))
        }
        let increments: [any TensorSource] = Array(files.dropFirst()) + parts
        let whole = try reading(
            try StateMerge(of: increments, onto: files.first, layout: layout)
        )
        return try modelStore.writeBlob(whole, metadata: Self.wholeFormat)
    }

    private func reading<Value>(
        _ call: @autoclosure () throws(LearningError) -> Value
    ) throws(ModelStoreError) -> Value {
        do { return try call() } catch { throw ModelStoreError(damagedBy: error) }
    }
}

extension ModelStore {
    /// Writes a merge as a file of the store, piece by piece.
    func writeBlob(
        _ merge: StateMerge,
        metadata: [(String, String)]
    ) throws(ModelStoreError) -> BlobReference {
        try writeBlob { writer throws(ModelStoreError) in
            try merge.write(
                metadata: metadata,
                unreadable: { ModelStoreError(damagedBy: $0) },
                to: { bytes throws(ModelStoreError) in try writer.append(bytes) }
            )
        }
    }
}

extension ModelStoreError {
    /// Files that do not hold what they should.
    fileprivate init(damagedBy error: LearningError) {
        self.init(.damaged, error.message, remedy: error.remedy)
    }
}
