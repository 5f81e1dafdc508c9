import CKernels
public import Learning

/// Learns ratings, event by event: biased matrix factorization by stochastic gradient descent.
///
/// The prediction is μ + σ z with z = b_u + b_i + p_u·q_i, where μ and σ are mean and spread of all
/// ratings so far; shown and scored predictions are clipped to the range of ratings so far. Each
/// rating r is one step on ½ (e² + λ (‖p_u‖² + ‖q_i‖²)), e = (r - μ) / σ - z, and the same for the
/// biases with a step that falls with the number of events. Errors beyond 5 count as 5, so that one
/// absurd rating cannot wreck the model. After Koren, Bell, Volinsky, "Matrix factorization
/// techniques for recommender systems", 2009.
///
/// Owned by one thread.
public final class ExplicitRecommender: Learner {
    /// Decoded interactions.
    public typealias Events = InteractionEvents
    /// What scorers hold.
    public typealias Model = RecommenderModel

    /// Settings; `feedback` must be `explicit`.
    public let settings: RecommenderSettings
    /// Number of events learned since the beginning.
    public private(set) var eventCount: Int64
    /// The servable part, which may also answer here.
    public let model: RecommenderModel

    /// Ratings per user so far; those per item are the model's popularity.
    private let userCounts = Column<Int64>()
    /// Value of `eventCount` at the last event that named the user or item.
    private let usersTouched = Column<Int64>()
    private let itemsTouched = Column<Int64>()
    private let tables: [StateTable]
    /// Squared and absolute error of the model, squared error of the mean of all ratings.
    private var means: PrequentialMeans
    private let changes: ModelChanges
    private let memory: ModelMemory
    /// Steps that were left out because the error was not finite.
    private var skippedSteps: Int64

    /// A learner that has learned nothing.
    public init(settings: RecommenderSettings) throws(LearningError) {
        try settings.require(.explicit)
        self.settings = settings
        model = try RecommenderModel(settings: settings)
        var (users, items) = (model.usersTable, model.itemsTable)
        users.columns.append(PlainColumn.counts("optimizer.users.counts", userCounts))
        users.columns.append(PlainColumn.counts("users.touched", usersTouched))
        items.columns.append(PlainColumn.counts("items.touched", itemsTouched))
        tables = [users, items]
        means = PrequentialMeans(columns: 3, window: settings.windowEvents)
        changes = ModelChanges(of: tables)
        memory = ModelMemory(
            of: model,
            tables: tables,
            usersTouched: usersTouched,
            itemsTouched: itemsTouched,
            changes: changes
        )
        (eventCount, skippedSteps) = (0, 0)
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
    ///
    /// An event without a value is rejected.
    public static func decode(
        _ encoded: EncodedBatch,
        settings: RecommenderSettings,
        into events: inout InteractionEvents,
        rejections: inout [Rejection]
    ) {
        InteractionDecoder(settings: settings)
            .decode(encoded, into: &events, rejections: &rejections)
    }

    /// Learns the events in order: predicts, then learns each.
    public func learn(_ events: InteractionEvents) {
        let timestamps = events.timestamps
        _ = events.withColumns { events, arena in
            for index in events.indices {
                prefetch(events, at: index + 12, rowsAt: index + 6, arena: arena)
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
        means.encode(into: &tensors, prefix: "evaluation.")
        memory.state.encode(into: &tensors)
        tensors["state.counts"] = Tensor([eventCount, skippedSteps])
        return tensors
    }

    /// Checks the whole tensors of a state, and returns what puts them in their places.
    private func stageWholeTensors(
        of state: any TensorSource
    ) throws(LearningError) -> () -> Void {
        let totals = try RecommenderModel.totals(in: state, prefix: "model.")
        let newMeans = try PrequentialMeans(
            columns: 3,
            window: settings.windowEvents,
            from: state,
            prefix: "evaluation."
        )
        let counts = try state.counts("state.counts", shape: [2])
        let newMemory = try ModelMemory.State(settings.memory, state: state)
        return { [self] in
            (model.clock, model.ratings) = totals
            means = newMeans
            memory.state = newMemory
            (eventCount, skippedSteps) = (counts[0], counts[1])
            changes.begin(from: model, whole: wholeTensors)
        }
    }

    /// Prequential quality so far.
    public var metrics: [Metric] {
        var metrics = [
            Metric("events", Double(eventCount)),
            Metric("users", Double(model.users.usedCount)),
            Metric("items", Double(model.items.usedCount)),
            Metric("skipped.steps", Double(skippedSteps)),
            Metric("scored", Double(means.scoredCount)),
            Metric("evaluation.rate", 1),
        ]
        metrics += memory.metrics
        let parts: [(String, (Int) -> Double)] = [
            ("", { self.means.mean($0) }),
            ("window.", { self.means.windowMean($0) }),
            ("last80.", { self.means.mean($0, skippingFirst: 0.2) }),
        ]
        for (prefix, mean) in parts {
            metrics.append(Metric(prefix + "rmse", mean(0).squareRoot()))
            metrics.append(Metric(prefix + "mae", mean(1)))
            metrics.append(Metric(prefix + "mean.rmse", mean(2).squareRoot()))
        }
        return metrics
    }
}

// MARK: - One event

extension ExplicitRecommender {
    /// Asks for the memory of events to come: first the slots of their ids, later their rows.
    @inline(__always)
    private func prefetch(
        _ events: UnsafeBufferPointer<InteractionEvents.Interaction>,
        at slots: Int,
        rowsAt rows: Int,
        arena: UnsafeRawPointer
    ) {
        if slots < events.count {
            model.users.prefetch(events[slots].userHash)
            model.items.prefetch(events[slots].itemHash)
        }
        guard rows < events.count else { return }
        let event = events[rows]
        let user = model.users.find(event.user(in: arena), hash: event.userHash)
        let item = model.items.find(event.item(in: arena), hash: event.itemHash)
        if user != IDTable.absent { ck_prefetch_row(model.userFactors[user], 64) }
        if item != IDTable.absent { ck_prefetch_row(model.itemFactors[item], 64) }
    }

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
        if user == IDTable.absent {
            user = model.addUser(userID, hash: event.userHash, in: tables[0])
            changes.ofUsers.add(user)
        }
        var item = model.items.find(itemID, hash: event.itemHash)
        if item == IDTable.absent {
            item = model.addItem(itemID, hash: event.itemHash, in: tables[1])
            changes.ofItems.add(item)
        }
        usersTouched[user] = eventCount
        itemsTouched[item] = eventCount
        let rating = Double(event.value)
        let (mean, spread) = (model.ratings.mean, model.ratings.spread)
        let taste = Double(taste(user, item))
        score(mean + spread * taste, rating: rating)
        step(user, item, error: Float((rating - mean) / spread - taste))
        model.ratings.add(rating)
        model.countEvent(item)
        userCounts[user] += 1
        if !model.seen.contains(user, item) {
            model.seen.append(user, item)
            changes.seenUsers.append(user)
            changes.seenItems.append(item)
        }
        changes.users.insert(user)
        changes.items.insert(item)
        changes.popularity.insert(item)
    }

    /// A rating that is not learned, since its user or item has not come often enough: predicted
    /// from what is known of the other.
    private func pass(_ event: InteractionEvents.Interaction, arena: UnsafeRawPointer) {
        let (user, item) = model.rows(of: event, arena: arena)
        let userBias = user == IDTable.absent ? 0 : model.userBiases[user]
        let itemBias = item == IDTable.absent ? 0 : model.itemBiases[item]
        let taste = Double(userBias + itemBias)
        score(model.ratings.mean + model.ratings.spread * taste, rating: Double(event.value))
        memory.touch(user: user, item: item, clock: eventCount)
    }

    /// z = b_u + b_i + p_u·q_i.
    private func taste(_ user: Int32, _ item: Int32) -> Float {
        let product = ck_dot(
            model.userFactors[user],
            model.itemFactors[item],
            model.userFactors.stride
        )
        return model.userBiases[user] + (product + model.itemBiases[item])
    }

    /// The first rating of all is not scored: there is nothing to predict it from.
    private func score(_ prediction: Double, rating: Double) {
        guard model.ratings.count > 0 else { return means.skip() }
        let range = model.ratings.maximum - model.ratings.minimum
        // A prediction that is not a number counts as wrong as can be.
        let error = prediction.isNaN ? range : model.ratings.clipped(prediction) - rating
        let baseline = model.ratings.mean - rating
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 3) { row in
            row.initialize(repeating: 0)
            row[0] = error * error
            row[1] = abs(error)
            row[2] = baseline * baseline
            means.add(UnsafeBufferPointer(row), weight: 1)
        }
    }

    private func step(_ user: Int32, _ item: Int32, error unlimited: Float) {
        guard unlimited.isFinite else {
            skippedSteps += 1
            return
        }
        let error = min(max(unlimited, -5), 5)
        let explicit = settings.explicit
        let (rate, decay) = (Float(explicit.biasLearningRate), Float(explicit.biasRateDecay))
        let shrink = Float(explicit.biasRegularization)
        let userRate = rate / (1 + decay * Float(userCounts[user]))
        let itemRate = rate / (1 + decay * Float(model.popularity[item]))
        model.userBiases[user] += userRate * (error - shrink * model.userBiases[user])
        model.itemBiases[item] += itemRate * (error - shrink * model.itemBiases[item])
        ck_sgd_pair(
            model.userFactors[user],
            model.itemFactors[item],
            error,
            model.userFactors.stride,
            Float(explicit.learningRate),
            Float(explicit.regularization)
        )
    }
}
