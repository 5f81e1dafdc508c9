public import Learning
public import ModelStore

/// All that a model has learned: what a checkpoint holds.
///
/// That is the learner, and beside it the window of duplicates. Its state is a pure function of settings and the sequence of events. Owned by one thread.
public struct TrainedModel<Model: Learner> {
    /// What was made of a batch.
    struct Learned {
        /// Events that could not be decoded, in order.
        var rejections: [Rejection] = []
        /// Timestamps of the events that were learned, in order.
        var timestamps: [Int64] = []
    }

    /// The learner's settings.
    public let settings: Model.Settings
    /// The learner.
    public let learner: Model
    /// The largest event timestamp learned, in milliseconds since 1970; -1 before the first event.
    public private(set) var watermark: Int64 = -1
    /// The files hold another window than there is now: the next checkpoint must be a whole one.
    private(set) var needsWholeCheckpoint = false
    private var duplicates: DuplicateWindow
    private var events = Model.Events()

    /// A model that has learned nothing.
    ///
    /// `duplicateWindow` is how many events are remembered by their `id`. Throws when the learner
    /// refuses its settings.
    public init(settings: Model.Settings, duplicateWindow: Int) throws(PipelineError) {
        self.settings = settings
        learner = try learning(try Model(settings: settings))
        duplicates = DuplicateWindow(capacity: duplicateWindow)
    }

    /// The model of a version, from the files of its chain; they must be intact.
    ///
    /// - Parameters:
    ///   - chain: What `ModelStore.chain` or `newestIntact` returned; not empty.
    ///   - modelStore: Where the files are.
    ///   - settings: The learner's settings.
    ///   - duplicateWindow: As for a new model; nil for the window that the files hold.
    /// - Throws: When a file cannot be read, or the state does not fit the settings: their values,
    ///   or even the kind of model.
    public init(
        _ chain: [ModelVersion],
        of modelStore: ModelStore,
        settings: Model.Settings,
        duplicateWindow: Int?
    ) throws(PipelineError) {
        for version in chain { try learning(try Model.Settings.checkKind(of: version.settings)) }
        let files = try chain.map { version throws(PipelineError) in
            try learning(try SafetensorsFile(path: modelStore.blobPath(version.blob)))
        }
        guard let whole = files.first, let newest = chain.last else {
            throw PipelineError(
                .store,
                "a version without files",
                remedy: "name one that has not been pruned, or rebuild it"
            )
        }
        self.settings = settings
        learner = try learning(try Model(settings: settings, state: whole))
        var window = try learning(try DuplicateWindow(state: whole))
        for increment in files.dropFirst() {
            try learning(try learner.restore(increment))
            try learning(try window.restore(increment))
        }
        watermark = newest.watermark
        duplicates = window.resized(to: duplicateWindow ?? window.capacity)
        needsWholeCheckpoint = duplicates.capacity != window.capacity
    }

    /// Quality as the learner measures it, and how many events were left out as copies.
    public var metrics: [Metric] {
        learner.metrics + [Metric("duplicates", Double(duplicates.duplicateCount))]
    }

    /// Events left out as copies of earlier ones since the model's beginning.
    public var duplicateCount: Int64 { duplicates.duplicateCount }

    /// How many events are remembered by their `id`, at most.
    public var duplicateWindow: Int { duplicates.capacity }

    /// Learns the events of a batch in their order, without copies of earlier ones and without those
    /// whose subject `isExcluded`.
    mutating func learn(
        _ encoded: EncodedBatch,
        isExcluded: ((UnsafeRawBufferPointer) -> Bool)? = nil
    ) -> Learned {
        var learned = Learned()
        Model.decode(
            encoded,
            settings: settings,
            into: &events,
            rejections: &learned.rejections
        )
        if let isExcluded {
            keep((0..<events.count).map { !events.withSubject(at: $0, isExcluded) })
        }
        var isNew: [Bool] = []
        for index in 0..<events.count {
            guard let identity = events.identity(at: index), !duplicates.insert(identity) else {
                if !isNew.isEmpty { isNew.append(true) }
                continue
            }
            if isNew.isEmpty { isNew = [Bool](repeating: true, count: index) }
            isNew.append(false)
        }
        keep(isNew)
        learner.learn(events)
        learned.timestamps = events.timestamps
        for timestamp in events.timestamps { watermark = max(watermark, timestamp) }
        return learned
    }

    private mutating func keep(_ isKept: [Bool]) {
        guard isKept.contains(false) else { return }
        events.keep { isKept[$0] }
    }
}

// MARK: - Checkpoints

extension TrainedModel {
    /// The tables of the state.
    var layout: StateLayout {
        var layout = learner.layout
        if duplicates.capacity > 0 { layout.tables.append(DuplicateWindow.table) }
        return layout
    }

    /// The whole state: what a whole checkpoint file holds.
    public func encode() -> NamedTensors {
        var state = learner.encode()
        duplicates.encode(into: &state)
        return state
    }

    /// Takes all of the state for changed: the next checkpoint is put on nothing.
    mutating func beginWholeCheckpoint() {
        learner.beginWholeCheckpoint()
        duplicates.beginWholeCheckpoint()
        needsWholeCheckpoint = false
    }

    /// A part of what changed since the last checkpoint, as `Learner.takeCheckpointPart`.
    mutating func takeCheckpointPart(byteCount: Int) -> NamedTensors? {
        learner.takeCheckpointPart(byteCount: byteCount)
    }

    /// Work for another thread, as `Learner.prepareLastCheckpointPart`.
    func prepareLastCheckpointPart() -> (@Sendable () -> Void)? {
        learner.prepareLastCheckpointPart()
    }

    /// The rest of what changed since the last checkpoint, as `Learner.takeLastCheckpointPart`.
    mutating func takeLastCheckpointPart() -> NamedTensors {
        var part = learner.takeLastCheckpointPart()
        duplicates.takeChanges(into: &part)
        return part
    }
}
