import CKernels
public import Learning

/// What answers requests: ids, factors, what users have had, popularity.
///
/// Shared by both learners, which change it, and by scorers, which bring a copy of it up to date.
///
/// Owned by one thread. Dimensions: U users, I items, k factors, L items of history.
public final class RecommenderModel: ServableModel {
    /// The settings it was made with.
    public let settings: RecommenderSettings

    let users: IDTable
    let items: IDTable
    /// Which items each user has had.
    let seen = SeenLists()
    /// [U×k]; p in RECOMMENDER's and the papers' notation.
    let userFactors: RowMatrix
    /// [I×k]; q.
    let itemFactors: RowMatrix
    /// [I×k]; y: what an item says about the taste of who had it lately.
    ///
    /// No rows when L = 0.
    let contextFactors: RowMatrix
    /// [U×L], newest first, -1 where there is none; implicit only.
    let history = Column<Int32>()
    /// L; 0 for ratings.
    let historyLength: Int
    /// v^(g-1) for each place g of the history.
    let historyWeights: [Float]
    /// [U] and [I]; explicit only.
    let userBiases = Column<Float>()
    let itemBiases = Column<Float>()
    /// [I]: number of events learned.
    let popularity = Column<Int64>()
    /// [I]: log2 of the decayed number of events, in which an event at clock t counts
    /// 2^(t/half-life).
    ///
    /// All items share the factor 2^(-clock/half-life), so that nothing ages row by row.
    let decayedPopularity = Column<Double>()
    /// Number of events learned: the clock of popularity.
    var clock: Int64 = 0
    /// What all ratings have in common.
    var ratings = RatingTotals()

    /// The rows of users and of items, as far as a scorer needs them.
    private(set) lazy var tables = [usersTable, itemsTable]

    var scoring = ScoringBuffers()

    /// An empty model.
    public init(settings: RecommenderSettings) throws(LearningError) {
        try settings.validate()
        self.settings = settings
        users = IDTable(seed: settings.seed)
        items = IDTable(seed: settings.seed)
        userFactors = RowMatrix(width: settings.factors)
        itemFactors = RowMatrix(width: settings.factors)
        contextFactors = RowMatrix(width: settings.factors)
        historyLength = settings.feedback == .implicit ? settings.implicit.historyLength : 0
        var weight: Float = 1
        var weights: [Float] = []
        for _ in 0..<historyLength {
            weights.append(weight)
            weight *= Float(settings.implicit.historyDecay)
        }
        historyWeights = weights
    }

    /// The rows of an event's user and item, as far as they are there.
    func rows(
        of event: InteractionEvents.Interaction,
        arena: UnsafeRawPointer
    ) -> (user: Int32, item: Int32) {
        (
            users.find(event.user(in: arena), hash: event.userHash),
            items.find(event.item(in: arena), hash: event.itemHash)
        )
    }

    /// Adds a user who is not there yet, with its initial factors, in the lowest free row or a new
    /// one of `table`, which has the model's columns and perhaps more.
    func addUser(_ id: UnsafeRawBufferPointer, hash: UInt64, in table: StateTable) -> Int32 {
        let row = users.free.lowest() ?? table.appendFreeRow()
        addUser(id, hash: hash, at: row)
        return row
    }

    /// Adds an item that is not there yet, as `addUser`.
    func addItem(_ id: UnsafeRawBufferPointer, hash: UInt64, in table: StateTable) -> Int32 {
        let row = items.free.lowest() ?? table.appendFreeRow()
        addItem(id, hash: hash, at: row)
        return row
    }

    /// Adds a user at a row that is free.
    func addUser(_ id: UnsafeRawBufferPointer, hash: UInt64, at row: Int32) {
        users.insert(id, hash: hash, at: row)
        initialize(userFactors[row], kind: 1, hash: hash)
    }

    /// Adds an item at a row that is free.
    func addItem(_ id: UnsafeRawBufferPointer, hash: UInt64, at row: Int32) {
        items.insert(id, hash: hash, at: row)
        initialize(itemFactors[row], kind: 2, hash: hash)
        if historyLength > 0 { initialize(contextFactors[row], kind: 3, hash: hash) }
    }

    /// Initial factors depend on seed, kind and id only, not on when the id arrived: nearly normal
    /// (the sum of four uniform 16-bit numbers), mean 0, standard deviation `initialScale`.
    private func initialize(_ row: UnsafeMutablePointer<Float>, kind: UInt64, hash: UInt64) {
        var random = KeyedRandom(key: ck_mix(hash ^ kind, 0xD6E8_FEB8_6659_FD93 &+ kind))
        let scale = Float(settings.initialScale / 37_837.227)  // sqrt(4 (65536² - 1) / 12)
        for factor in 0..<settings.factors {
            let bits = random.next()
            let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + bits >> 48
            row[factor] = (Float(sum) - 131_070) * scale
        }
    }

    /// Puts an item at the front of a user's history.
    func pushHistory(_ user: Int32, _ item: Int32) {
        guard historyLength > 0 else { return }
        let start = history.base + Int(user) * historyLength
        (start + 1).update(from: start, count: historyLength - 1)
        start[0] = item
    }

    /// Counts an event of an item: popularity, and the clock.
    func countEvent(_ item: Int32) {
        popularity[item] += 1
        if settings.feedback == .implicit {
            let now = Double(clock) / settings.popularityHalfLifeEvents
            decayedPopularity[item] = ck_log2_sum(decayedPopularity[item], now)
        }
        clock += 1
    }

    /// x = p_u + sum over g of v^(g-1) y_h(g), the query that is multiplied with item factors.
    ///
    /// `sources` is scratch for 1 + L pointers. Returns the number of items of history.
    @discardableResult
    func query(
        _ user: Int32,
        into query: UnsafeMutablePointer<Float>,
        sources: UnsafeMutablePointer<UnsafePointer<Float>?>,
        weights: UnsafePointer<Float>
    ) -> Int {
        sources[0] = UnsafePointer(userFactors[user])
        var used = 0
        if historyLength > 0 {
            let start = history.base + Int(user) * historyLength
            while used < historyLength, start[used] >= 0 {
                sources[1 + used] = UnsafePointer(contextFactors[start[used]])
                used += 1
            }
        }
        ck_weighted_sum(query, sources, weights, 1 + used, userFactors.stride)
        return used
    }
}

/// Mean, spread and range of all ratings so far.
///
/// Biases and factors are in units of the spread, so that the same learning rates serve ratings of 1
/// to 5 and of 0 to 100.
struct RatingTotals: Equatable {
    var count: Int64 = 0
    /// 0 before the first rating.
    var mean = 0.0
    /// Sum of squared deviations from the mean (Welford, 1962).
    var squares = 0.0
    var minimum = 0.0
    var maximum = 0.0

    /// The standard deviation; 1 as long as all ratings are equal.
    var spread: Double { squares > 0 ? (squares / Double(count)).squareRoot() : 1 }

    mutating func add(_ rating: Double) {
        minimum = count == 0 ? rating : min(minimum, rating)
        maximum = count == 0 ? rating : max(maximum, rating)
        count += 1
        let deviation = rating - mean
        mean += deviation / Double(count)
        squares += deviation * (rating - mean)
    }

    /// A prediction within the range observed.
    func clipped(_ prediction: Double) -> Double { min(max(prediction, minimum), maximum) }
}
