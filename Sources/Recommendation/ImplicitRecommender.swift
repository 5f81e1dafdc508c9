import CKernels
public import Learning

/// Learns ranked lists from signs of interest, event by event: sequence factorization.
///
/// A user's taste is x = p_u + Σ_g v^(g-1) y_h(g) over the last L items h; item j scores x·q_j.
/// Each event (u, b) is one step on the sampled softmax loss -log(e^(x·q_b) / Σ_c e^(x·q_c)), where c
/// runs over b and uniform negatives that u has not had, by Adagrad on q, p and y. With L = 0 it is
/// classical factorization. After Koren (SVD++, KDD 2008), Kabbur, Ning, Karypis (FISM, KDD 2013),
/// He, McAuley (Fossil, ICDM 2016), Duchi, Hazan, Singer (Adagrad, JMLR 2011).
///
/// Owned by one thread.
public final class ImplicitRecommender: Learner {
    /// Decoded interactions.
    public typealias Events = InteractionEvents
    /// What scorers hold.
    public typealias Model = RecommenderModel

    /// Settings; `feedback` must be `implicit`.
    public let settings: RecommenderSettings
    /// Number of events learned or counted since the beginning.
    public private(set) var eventCount: Int64
    /// Events of a pair that had been there before.
    private(set) var repeatCount: Int64
    /// The servable part, which may also answer here.
    public let model: RecommenderModel

    // Adagrad's sums of squared gradients, row by row as the factors.
    private let userSums: RowMatrix
    private let itemSums: RowMatrix
    private let contextSums: RowMatrix
    /// Value of `eventCount` at the last event that named the user or item.
    private let usersTouched = Column<Int64>()
    private let itemsTouched = Column<Int64>()
    private let tables: [StateTable]
    private var evaluation: RankEvaluation
    private let changes: ModelChanges
    private let memory: ModelMemory
    private let scratch: StepScratch
    /// Steps that were left out because the loss was not finite.
    private var skippedSteps: Int64

    /// A learner that has learned nothing.
    public init(settings: RecommenderSettings) throws(LearningError) {
        try settings.require(.implicit)
        self.settings = settings
        model = try RecommenderModel(settings: settings)
        userSums = RowMatrix(width: settings.factors)
        itemSums = RowMatrix(width: settings.factors)
        contextSums = RowMatrix(width: settings.factors)
        let start = Float(settings.implicit.initialAccumulator)
        var (users, items) = (model.usersTable, model.itemsTable)
        users.columns.append(MatrixColumn("optimizer.users", userSums, padding: start))
        users.columns.append(PlainColumn.counts("users.touched", usersTouched))
        items.columns.append(MatrixColumn("optimizer.items", itemSums, padding: start))
        items.columns.append(PlainColumn.counts("items.touched", itemsTouched))
        if model.historyLength > 0 {
            items.columns.append(MatrixColumn("optimizer.context", contextSums, padding: start))
        }
        tables = [users, items]
        evaluation = RankEvaluation(settings: settings)
        changes = ModelChanges(of: tables)
        memory = ModelMemory(
            of: model,
            tables: tables,
            usersTouched: usersTouched,
            itemsTouched: itemsTouched,
            changes: changes
        )
        scratch = StepScratch(model)
        (eventCount, repeatCount, skippedSteps) = (0, 0, 0)
        changes.begin(from: model, whole: wholeTensors)
    }

    /// The learner whose `encode` gave this state.
    public convenience init(
        settings: RecommenderSettings,
        state: any TensorSource
    ) throws(LearningError) {
        try self.init(settings: settings)
        try tables.load(from: state)
        try stageWholeTensors(of: state)()
    }

    /// Brings the state up by an increment.
    public func restore(_ increment: any TensorSource) throws(LearningError) {
        try tables.restore(increment, whole: wholeTensors) {
            source throws(LearningError) in try stageWholeTensors(of: source)
        }
    }

    /// Decodes raw events; pure.
    public static func decode(
        _ encoded: EncodedBatch,
        settings: RecommenderSettings,
        into events: inout InteractionEvents,
        rejections: inout [Rejection]
    ) {
        InteractionDecoder(settings: settings)
            .decode(encoded, into: &events, rejections: &rejections)
    }

    /// Learns the events in order: ranks, then learns each.
    public func learn(_ events: InteractionEvents) {
        let timestamps = events.timestamps
        _ = events.withColumns { events, arena in
            for index in events.indices {
                if index + 8 < events.count {
                    model.users.prefetch(events[index + 8].userHash)
                    model.items.prefetch(events[index + 8].itemHash)
                }
                learn(events[index], timestamp: timestamps[index], arena: arena)
            }
        }
    }

    /// What changed in the model since the last call.
    public func takeDelta() -> NamedTensors { changes.take(from: model) }

    /// The tables of the state.
    public var layout: StateLayout { tables.layout }

    /// The whole state.
    ///
    /// Take the delta first when updates are followed from this state on.
    public func encode() -> NamedTensors {
        var state = wholeTensors
        tables.encode(into: &state)
        return state
    }

    /// The next part of a checkpoint; nil when it is time for the last one.
    public func takeCheckpointPart(byteCount: Int) -> NamedTensors? {
        changes.checkpoint.takePart(byteCount: byteCount)
    }

    /// What another thread is to do before the last part of a checkpoint is taken.
    public func prepareLastCheckpointPart() -> (@Sendable () -> Void)? {
        changes.checkpoint.prepareLastPart()
    }

    /// The last part of a checkpoint.
    public func takeLastCheckpointPart() -> NamedTensors {
        changes.takeLastCheckpointPart(whole: wholeTensors)
    }

    /// Takes all of the state for changed.
    public func beginWholeCheckpoint() { changes.checkpoint.beginWhole(wholeTensors) }

    private var wholeTensors: NamedTensors {
        var tensors = NamedTensors()
        model.encodeTotals(into: &tensors, prefix: "model.")
        evaluation.encode(into: &tensors)
        memory.state.encode(into: &tensors)
        tensors["state.counts"] = Tensor([eventCount, repeatCount, skippedSteps])
        return tensors
    }

    /// Checks the whole tensors of a state, and returns what puts them in their places.
    private func stageWholeTensors(
        of state: any TensorSource
    ) throws(LearningError) -> () -> Void {
        let totals = try RecommenderModel.totals(in: state, prefix: "model.")
        let newEvaluation = try RankEvaluation(settings: settings, state: state)
        let newMemory = try ModelMemory.State(settings.memory, state: state)
        let counts = try state.counts("state.counts", shape: [3])
        return { [self] in
            (model.clock, model.ratings) = totals
            evaluation = newEvaluation
            memory.state = newMemory
            (eventCount, repeatCount, skippedSteps) = (counts[0], counts[1], counts[2])
            changes.begin(from: model, whole: wholeTensors)
        }
    }

    /// Prequential quality so far.
    public var metrics: [Metric] {
        [
            Metric("events", Double(eventCount)),
            Metric("repeats", Double(repeatCount)),
            Metric("users", Double(model.users.usedCount)),
            Metric("items", Double(model.items.usedCount)),
            Metric("skipped.steps", Double(skippedSteps)),
        ] + memory.metrics + evaluation.metrics
    }
}

// MARK: - One event

extension ImplicitRecommender {
    private func learn(
        _ event: InteractionEvents.Interaction,
        timestamp: Int64,
        arena: UnsafeRawPointer
    ) {
        eventCount += 1
        if memory.isOn {
            let isLearned = memory.prepare(
                event,
                timestamp: timestamp,
                clock: eventCount,
                arena: arena
            )
            guard isLearned else { return pass(event, arena: arena) }
        }
        let userID = event.user(in: arena)
        let itemID = event.item(in: arena)
        var user = model.users.find(userID, hash: event.userHash)
        var item = model.items.find(itemID, hash: event.itemHash)
        let isRepeat =
            user != IDTable.absent && item != IDTable.absent && model.seen.contains(user, item)
        if isRepeat {
            repeatCount += 1
            guard settings.implicit.repeats == .learned else {
                touch(user, item)
                changes.insertForCheckpoint(user: user, item: item)
                return
            }
        }
        let isKnownUser = user != IDTable.absent
        if !isKnownUser { user = addUser(userID, hash: event.userHash) }
        let historyCount = model.query(
            user,
            into: scratch.query.base,
            sources: scratch.sources.base,
            weights: scratch.weights.base
        )
        if !isRepeat { evaluate(event, user: isKnownUser ? user : nil, item: item) }
        if item == IDTable.absent { item = addItem(itemID, hash: event.itemHash) }
        touch(user, item)
        if !isRepeat {
            model.seen.append(user, item)
            changes.seenUsers.append(user)
            changes.seenItems.append(item)
        }
        step(event, user: user, item: item, historyCount: historyCount)
        model.pushHistory(user, item)
        model.countEvent(item)
        changes.users.insert(user)
        changes.popularity.insert(item)
    }

    private func touch(_ user: Int32, _ item: Int32) {
        usersTouched[user] = eventCount
        itemsTouched[item] = eventCount
    }

    private func addUser(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
        let row = model.addUser(id, hash: hash, in: tables[0])
        changes.ofUsers.add(row)
        return row
    }

    private func addItem(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
        let row = model.addItem(id, hash: hash, in: tables[1])
        changes.ofItems.add(row)
        return row
    }

    /// An event that is not learned, since its user or item has not come often enough: the model
    /// could not have ranked the item.
    private func pass(_ event: InteractionEvents.Interaction, arena: UnsafeRawPointer) {
        let (user, item) = model.rows(of: event, arena: arena)
        evaluate(event, user: user == IDTable.absent ? nil : user, item: IDTable.absent)
        memory.touch(user: user, item: item, clock: eventCount)
    }

    /// Ranks the event's item for its user, if the user is known and the event is sampled.
    private func evaluate(
        _ event: InteractionEvents.Interaction,
        user: Int32?,
        item: Int32
    ) {
        guard let user else { return evaluation.skip() }
        let rate = evaluation.rate(items: model.items.usedCount)
        if rate < 1 {
            var random = KeyedRandom(
                seed: settings.seed,
                purpose: 1,
                partition: event.partition,
                offset: event.offset
            )
            guard random.unit() < rate else { return evaluation.skip() }
        }
        guard item != IDTable.absent else { return evaluation.miss(rate: rate) }
        evaluation.score(
            query: scratch.query.base,
            user: user,
            item: item,
            model: model,
            rate: rate
        )
    }

    /// One step on the sampled softmax loss.
    private func step(
        _ event: InteractionEvents.Interaction,
        user: Int32,
        item: Int32,
        historyCount: Int
    ) {
        let count = sampleCandidates(event, user: user, item: item)
        let k = model.itemFactors.stride
        let rate = Float(settings.implicit.learningRate)
        let regularization = Float(settings.implicit.regularization)
        scratch.rows.base.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: count) {
            ck_dot_rows(scratch.query.base, $0, count, k, scratch.scores.base)
        }
        guard ck_softmax_errors(scratch.scores.base, count).isFinite else {
            skippedSteps += 1
            return
        }
        scratch.gradient.base.update(repeating: 0, count: k)
        ck_adagrad_candidates(
            scratch.query.base,
            scratch.gradient.base,
            scratch.rows.base,
            scratch.sums.base,
            scratch.scores.base,
            count,
            k,
            rate,
            regularization
        )
        ck_adagrad_row(
            model.userFactors[user],
            userSums[user],
            scratch.gradient.base,
            1,
            k,
            rate,
            regularization
        )
        guard historyCount > 0 else { return }
        let history = model.history.base + Int(user) * model.historyLength
        for place in 0..<historyCount {
            let row = history[place]
            ck_adagrad_row(
                model.contextFactors[row],
                contextSums[row],
                scratch.gradient.base,
                model.historyWeights[place],
                k,
                rate,
                regularization
            )
            changes.context.insert(row)
        }
    }

    /// Puts the item and uniform negatives that the user has not had into `scratch`; returns how
    /// many.
    ///
    /// Their rows are asked for at once, so that they arrive together.
    private func sampleCandidates(
        _ event: InteractionEvents.Interaction,
        user: Int32,
        item: Int32
    ) -> Int {
        let seen = model.seen[user]
        for other in seen { scratch.isSeen.insert(other) }
        var random = KeyedRandom(
            seed: settings.seed,
            purpose: 2,
            partition: event.partition,
            offset: event.offset
        )
        let itemCount = model.items.count
        scratch.set(0, row: item, model.itemFactors, itemSums)
        changes.items.insert(item)
        var count = 1
        for _ in 0..<settings.implicit.negatives {
            let row = Int32(truncatingIfNeeded: random.index(below: itemCount))
            if scratch.isSeen.contains(row) || model.items.free.contains(row) { continue }
            scratch.set(count, row: row, model.itemFactors, itemSums)
            changes.items.insert(row)
            count += 1
        }
        for other in seen { scratch.isSeen.remove(other) }
        return count
    }
}
