public import Learning

/// Learns to read lines of text from labels, one after another, without forgetting.
///
/// For each label: read it with the averaged weights, count the errors, then learn. Each label gets
/// a step at once, together with those that wait with it; when as many wait as make an update, they
/// get the rest of their steps. Each step is made up with lines of earlier labels. Steps are
/// counted by labels, never by time or batch. Owned by one thread.
public final class TextReader: Learner {
    /// What can be set.
    public typealias Settings = ReaderSettings
    /// Decoded labels.
    public typealias Events = LabelEvents
    /// What answers.
    public typealias Model = TextReaderModel

    /// Labels learned.
    public private(set) var eventCount: Int64 = 0

    let settings: ReaderSettings
    private(set) var trainer: LineTrainer
    /// Where lines of the old domain come from; nil when none are wanted.
    private let baseLines: LineGenerator?
    private var recognizer: LineRecognizer
    private(set) var errors: SliceErrors
    private(set) var replay: ReplayReservoir
    /// Labels that wait for the rest of their steps.
    private(set) var waiting: [KeptLine] = []
    /// Steps whose loss or gradient was not finite, which changed nothing; lines too narrow for
    /// their text.
    private var skippedSteps: Int64 = 0
    private var impossibleLines: Int64 = 0
    private var changes = Changes()

    /// What deltas and checkpoints are put on.
    private struct Changes {
        var published: Int64 = 0
        var checkpointed: [Int64] = [0, 0, 0]
        var servedAtCheckpoint: [Int64] = [0]
    }

    /// A reader that has learned nothing.
    public init(settings: ReaderSettings) throws(LearningError) {
        try settings.validate()
        self.settings = settings
        trainer = try settings.startingTrainer()
        // A few lines say too little of what comes: the statistics stay those of the base model.
        trainer.normalization = .frozen
        baseLines = try settings.baseLines()
        recognizer = trainer.recognizer()
        errors = SliceErrors(window: settings.windowLabels)
        replay = ReplayReservoir(limit: Int(settings.replay.limit.bytes), alphabet: .base)
    }

    /// The reader whose `encode` gave this state.
    public convenience init(
        settings: ReaderSettings,
        state: any TensorSource
    ) throws(LearningError) {
        try self.init(settings: settings)
        let replay = try ReplayReservoir(
            limit: Int(settings.replay.limit.bytes),
            alphabet: .base,
            state: state
        )
        try restore(state, replay: replay)
    }

    /// Brings the reader up by an increment.
    public func restore(_ increment: any TensorSource) throws(LearningError) {
        let whole = counts
        for name in ReaderTensors.positions {
            try increment.requireBase(Increment.basePrefix + name, in: whole)
        }
        try restore(increment, replay: try replay.restored(from: increment))
    }

    /// Takes over all but the table, which has been read; checks everything before.
    private func restore(
        _ source: any TensorSource,
        replay: ReplayReservoir
    ) throws(LearningError) {
        // A file with nothing but a model is none of a reader.
        _ = try source.type(of: "trained.head.bias")
        let trainer = try settings.trainer(in: source)
        let counts = try ReaderTensors.counts("state.counts", shape: 3, in: source)
        let served = try ReaderTensors.counts("model.counts", shape: 1, in: source)
        let errors = try SliceErrors(window: settings.windowLabels, from: source)
        let waiting = try [KeptLine](from: source, prefix: "waiting.", alphabet: .base)
        let slices = replay.lines.map(\.slice) + waiting.map(\.slice)
        guard served[0] == counts[0], errors.has(slices), waiting.count < 64 else {
            throw LearningError(
                .tensor,
                "the tensors of the reader do not fit each other",
                remedy: "the file is damaged; use another version"
            )
        }
        // From here on nothing can fail.
        trainer.normalization = .frozen
        self.trainer = trainer
        (eventCount, skippedSteps, impossibleLines) = (counts[0], counts[1], counts[2])
        (self.errors, self.replay, self.waiting) = (errors, replay, waiting)
        recognizer = trainer.recognizer()
        changes = Changes(published: eventCount, checkpointed: counts, servedAtCheckpoint: served)
    }

    /// Decodes raw labels; pure.
    public static func decode(
        _ encoded: EncodedBatch,
        settings: ReaderSettings,
        into events: inout LabelEvents,
        rejections: inout [Rejection]
    ) {
        LabelDecoder(settings: settings)
            .decode(encoded, into: &events, rejections: &rejections)
    }

    /// Prequential quality so far.
    public var metrics: [Metric] {
        [
            Metric("labels", Double(eventCount)), Metric("skipped.steps", Double(skippedSteps)),
            Metric("impossible.lines", Double(impossibleLines)),
            Metric("replay.lines", Double(replay.lines.count)),
        ] + errors.metrics
    }

    // MARK: - Learning

    /// Learns the labels in order: reads, then learns each.
    public func learn(_ events: LabelEvents) {
        for label in events.labels { learn(label) }
    }

    private func learn(_ label: Label) {
        let slice = errors.number(of: label.slice)
        let line = KeptLine(
            image: label.image,
            text: label.text,
            slice: slice,
            partition: label.partition,
            offset: label.offset
        )
        let scores = recognizer.scores(of: PreparedLine(line.image))
        let reading = GreedyDecoder.read(scores, alphabet: trainer.network.settings.alphabet)
        errors.add(reading.text, label.text, slice: slice)
        eventCount += 1
        waiting.append(line)
        step(0, for: line)
        if waiting.count >= settings.labelsPerUpdate {
            for number in 0..<settings.stepsPerUpdate { step(number + 1, for: line) }
            for line in waiting { keep(line) }
            waiting.removeAll(keepingCapacity: true)
        }
        recognizer = trainer.recognizer()
    }

    private func keep(_ line: KeptLine) {
        var random = KeyedRandom(
            seed: settings.seed,
            purpose: Purpose.keeping.rawValue,
            partition: line.partition,
            offset: line.offset
        )
        replay.offer(line, seenCount: errors.labelCount(of: line.slice), &random)
    }

    /// What random numbers are for.
    private enum Purpose: UInt64 {
        case keeping = 0x6B65_6570
        case step = 0x7374_6570
    }

    /// A step over the waiting labels, earlier ones to make up the number, and synthetic lines.
    ///
    /// Random numbers are those of the newest label and the step.
    private func step(_ number: Int, for newest: KeptLine) {
        var random = KeyedRandom(
            seed: settings.seed,
            purpose: Purpose.step.rawValue &+ UInt64(number) << 32,
            partition: newest.partition,
            offset: newest.offset
        )
        let earlierCount = max(0, settings.linesPerStep - waiting.count)
        let lines = waiting + replay.sample(earlierCount, &random)
        var examples = lines.compactMap { line in
            // Some as they are: what is read later is not changed either.
            let image =
                random.chance(0.7) ? LineJitter.changed(line.image, &random) : line.image
            return example(image, line.text)
        }
        for _ in 0..<settings.replay.baseLinesPerStep {
            guard let line = baseLines?.line(at: random.index(below: 1 << 40)) else { continue }
            if let example = example(line.image, line.text) { examples.append(example) }
        }
        let outcome = trainer.step(examples, rate: Float(settings.learningRate))
        if !outcome.gradientNorm.isFinite { skippedSteps += 1 }
        impossibleLines += Int64(outcome.impossibleCount)
    }

    /// Nil for a text that is not of the alphabet: none that is kept, no synthetic one.
    private func example(_ image: GrayImage, _ text: String) -> LineTrainer.Example? {
        (try? trainer.network.settings.alphabet.labels(of: text)).map {
            LineTrainer.Example(PreparedLine(image), labels: $0)
        }
    }
}

// MARK: - Updates and checkpoints

extension TextReader {
    /// The servable tensors when a label was learned since the last call.
    public func takeDelta() -> NamedTensors {
        guard eventCount != changes.published else { return NamedTensors() }
        var delta = served
        delta["base"] = Tensor([changes.published])
        changes.published = eventCount
        return delta
    }

    /// The tensors of the servable model: averaged weights, statistics, number of labels.
    private var served: NamedTensors {
        var tensors = NamedTensors()
        trainer.encodeModel(into: &tensors)
        tensors["model.counts"] = Tensor([eventCount])
        return tensors
    }

    private var counts: NamedTensors {
        var tensors = NamedTensors()
        tensors["state.counts"] = Tensor([eventCount, skippedSteps, impossibleLines])
        tensors["model.counts"] = Tensor([eventCount])
        return tensors
    }

    /// All but the table.
    private var whole: NamedTensors {
        var tensors = counts
        trainer.encode(into: &tensors)
        waiting.encode(into: &tensors, prefix: "waiting.")
        errors.encode(into: &tensors)
        return tensors
    }

    /// The lines that are kept.
    public var layout: StateLayout { StateLayout(tables: [ReplayReservoir.table]) }

    /// The whole state.
    public func encode() -> NamedTensors {
        var tensors = NamedTensors()
        replay.encode(into: &tensors)
        let whole = whole
        for name in whole.names { tensors[name] = whole[name] }
        return tensors
    }

    /// About `byteCount` bytes of kept lines that changed.
    public func takeCheckpointPart(byteCount: Int) -> NamedTensors? {
        replay.takePart(byteCount: byteCount)
    }

    /// The rest of the changed lines, and everything else.
    public func takeLastCheckpointPart() -> NamedTensors {
        var part = NamedTensors()
        replay.takeLastPart(into: &part)
        part[Increment.basePrefix + "state.counts"] = Tensor(changes.checkpointed)
        part[Increment.basePrefix + "model.counts"] = Tensor(changes.servedAtCheckpoint)
        let whole = whole
        for name in whole.names { part[name] = whole[name] }
        changes.checkpointed = [eventCount, skippedSteps, impossibleLines]
        changes.servedAtCheckpoint = [eventCount]
        return part
    }

    /// Takes everything for changed.
    public func beginWholeCheckpoint() {
        replay.beginWhole()
        changes.checkpointed = [0, 0, 0]
        changes.servedAtCheckpoint = [0]
    }
}

/// Names and checks of tensors that learner and model share.
enum ReaderTensors {
    /// Whole tensors that say how far a state has learned: an increment is put on the same only.
    static let positions = ["state.counts", "model.counts"]

    /// Counts that must be there, none below 0.
    static func counts(
        _ name: String,
        shape: Int,
        in source: any TensorSource
    ) throws(LearningError) -> [Int64] {
        let counts: [Int64] = try source.values(name, shape: [shape])
        guard counts.allSatisfy({ (0..<1 << 60).contains($0) }) else {
            throw LearningError(
                .tensor,
                "tensor \"\(name)\" holds \(counts)",
                remedy: "the file is damaged; use another version"
            )
        }
        return counts
    }
}
