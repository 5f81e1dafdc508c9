public import Learning

/// All that a model has learned: what a checkpoint holds. The learner, and beside it the window of
/// duplicates.
///
/// Its state is a pure function of settings and the sequence of events. Owned by one thread.
public struct TrainedModel<Model: Learner> {
    /// What was made of a batch.
    struct Learned {
        /// Events that could not be decoded, in order.
        var rejections: [Rejection] = []
        /// Timestamps of the events that were learned, in order.
        var timestamps: [Int64] = []
        /// Events that were left out as copies of earlier ones.
        var duplicateCount = 0
    }

    /// The learner's settings.
    public let settings: Model.Settings
    /// The learner.
    public let learner: Model
    /// The largest event timestamp learned, in milliseconds since 1970; -1 before the first event.
    public private(set) var watermark: Int64 = -1
    private var duplicates: DuplicateWindow
    private var events = Model.Events()

    /// A model that has learned nothing; `duplicateWindow` is how many events are remembered by
    /// their `id`. Throws when the learner refuses its settings.
    public init(settings: Model.Settings, duplicateWindow: Int) throws(PipelineError) {
        self.settings = settings
        learner = try learning(try Model(settings: settings))
        duplicates = DuplicateWindow(capacity: duplicateWindow)
    }

    /// The model whose `encode` gave a state, with the watermark that was recorded with it.
    ///
    /// Throws when the state does not fit the settings.
    init(
        settings: Model.Settings,
        state: NamedTensors,
        watermark: Int64,
        duplicateWindow: Int
    ) throws(PipelineError) {
        self.settings = settings
        learner = try learning(try Model(settings: settings, state: state))
        duplicates = try learning(try DuplicateWindow(state: state)).resized(to: duplicateWindow)
        self.watermark = watermark
    }

    /// The whole state.
    public func encode() -> NamedTensors {
        var state = learner.encode()
        duplicates.encode(into: &state)
        return state
    }

    /// Events left out as copies of earlier ones since the model's beginning.
    public var duplicateCount: Int64 { duplicates.duplicateCount }

    /// Quality as the learner measures it, and how many events were left out as copies.
    public var metrics: [Metric] {
        learner.metrics + [Metric("duplicates", Double(duplicates.duplicateCount))]
    }

    /// Learns the events of a batch in their order, without copies of earlier ones and without those
    /// whose subject `isExcluded`.
    mutating func learn(
        _ encoded: UnsafeBufferPointer<EncodedEvent>,
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
            keep(events.indices.map { !events.withSubject(at: $0, isExcluded) })
        }
        let isNew = events.indices.map { index in
            events.identity(at: index).map { duplicates.insert($0) } ?? true
        }
        learned.duplicateCount = isNew.count { !$0 }
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

extension EventColumns {
    var indices: Range<Int> { 0..<count }
}
