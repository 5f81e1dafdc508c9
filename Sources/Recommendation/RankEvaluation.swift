import CKernels
import Learning

/// Prequential ranking quality, in the protocol that all published figures here follow.
///
/// Only first events of a (user, item) pair count. For an event of a known user, the item is ranked
/// among all items so far that the user has not had; an item never seen before is a miss; ties lose
/// to the lower row. Popularity, decayed and of all time, is ranked on the same events. Where events
/// are sampled, each counts by the inverse of its rate. Owned by the learner's thread.
struct RankEvaluation {
    /// Up to this many items every event is ranked, unless a rate is set.
    static let exactItemCount = 2000
    /// Above that, items scored per event on average: a tenth or so of the cost of learning.
    static let sampledItemCount = 250.0
    /// Which numbers one event gives: recall@10, NDCG@10 and reciprocal rank of the model and of
    /// decayed popularity, and recall@10 of popularity of all time.
    static let columnCount = 7

    private(set) var means: PrequentialMeans
    /// Scored events whose scores were not all finite; they count as misses.
    private(set) var divergedCount: Int64 = 0
    private let fixedRate: Double
    private var lastRate = 1.0
    private let scores = Column<Float>()

    init(settings: RecommenderSettings) {
        fixedRate = settings.evaluationRate
        means = PrequentialMeans(columns: Self.columnCount, window: settings.windowEvents)
    }

    /// The part of events that is ranked when there are so many items.
    func rate(items: Int) -> Double {
        if fixedRate > 0 { return fixedRate }
        return items <= Self.exactItemCount ? 1 : Self.sampledItemCount / Double(items)
    }

    /// Counts an event of an unknown user, or one that was not sampled.
    mutating func skip() { means.skip() }

    /// Counts an event whose item has not been seen before by anyone.
    mutating func miss(rate: Double) {
        lastRate = rate
        add(rank: nil, decayed: nil, allTime: nil, rate: rate)
    }

    /// Ranks the item of an event for the query of its user, before it is learned.
    mutating func score(
        query: UnsafePointer<Float>,
        user: Int32,
        item: Int32,
        model: RecommenderModel,
        rate: Double
    ) {
        lastRate = rate
        let count = model.items.count
        if scores.count < count { scores.append(repeating: 0, count: count) }
        var start = 0
        var pointer: UnsafePointer<Float>? = query
        while start < count {
            let run = model.itemFactors.run(from: start, limit: count)
            ck_score_block(
                &pointer,
                1,
                run.rows,
                run.count,
                model.itemFactors.stride,
                scores.base + start,
                0
            )
            start += run.count
        }
        let index = Int(item)
        var notFinite = 0
        var before = ck_count_before(scores.base, count, index, &notFinite)
        var decayed = ck_count_before_double(model.decayedPopularity.base, count, index)
        var allTime = ck_count_before_integer(model.popularity.base, count, index)
        // What the user has had does not compete.
        for seen in model.seen[user] {
            let other = Int(seen)
            before -= Self.isBefore(scores.base, other, index) ? 1 : 0
            decayed -= Self.isBefore(model.decayedPopularity.base, other, index) ? 1 : 0
            allTime -= Self.isBefore(model.popularity.base, other, index) ? 1 : 0
        }
        // Free rows have no popularity, but their factors give a score.
        model.items.free.forEach(in: 0..<count) { row in
            before -= Self.isBefore(scores.base, row, index) ? 1 : 0
        }
        if notFinite > 0 { divergedCount += 1 }
        add(
            rank: notFinite > 0 ? nil : before + 1,
            decayed: decayed + 1,
            allTime: allTime + 1,
            rate: rate
        )
    }

    private static func isBefore<Score: Comparable>(
        _ scores: UnsafePointer<Score>,
        _ other: Int,
        _ index: Int
    ) -> Bool {
        scores[other] > scores[index] || (scores[other] == scores[index] && other < index)
    }

    /// Counts ranks, 1 being the best and nil a miss.
    private mutating func add(rank: Int?, decayed: Int?, allTime: Int?, rate: Double) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.columnCount) { row in
            row.initialize(repeating: 0)
            for (start, rank) in [(0, rank), (3, decayed)] {
                guard let rank else { continue }
                row[start] = rank <= 10 ? 1 : 0
                row[start + 1] = rank <= 10 ? Self.gains[rank] : 0
                row[start + 2] = 1 / Double(rank)
            }
            if let allTime, allTime <= 10 { row[6] = 1 }
            means.add(UnsafeBufferPointer(row), weight: 1 / rate)
        }
    }

    /// 1 / log2(1 + rank) for ranks 1…10: NDCG with one relevant item.
    ///
    /// Rank 0 does not exist.
    private static let gains: [Double] = [
        0, 1, 0.6309297535714575, 0.5, 0.43067655807339306, 0.38685280723454163,
        0.3562071871080222, 0.3333333333333333, 0.31546487678572877, 0.3010299956639812,
        0.2890648263178879,
    ]
}

extension RankEvaluation {
    private static let columnNames = [
        "recall@10", "ndcg@10", "mrr", "popularity.recall@10", "popularity.ndcg@10",
        "popularity.mrr", "popularity.alltime.recall@10",
    ]

    /// The figures: since the beginning, over the window, and over the last 80 % of events.
    var metrics: [Metric] {
        var metrics = [
            Metric("scored", Double(means.scoredCount)),
            Metric("diverged", Double(divergedCount)),
            Metric("evaluation.rate", lastRate),
        ]
        for (column, name) in Self.columnNames.enumerated() {
            metrics.append(Metric(name, means.mean(column)))
        }
        for (column, name) in Self.columnNames.enumerated() {
            metrics.append(Metric("window." + name, means.windowMean(column)))
        }
        for (column, name) in Self.columnNames.enumerated() {
            metrics.append(Metric("last80." + name, means.mean(column, skippingFirst: 0.2)))
        }
        return metrics
    }

    /// Adds the state to a checkpoint.
    func encode(into tensors: inout NamedTensors) {
        means.encode(into: &tensors, prefix: "evaluation.")
        tensors["evaluation.diverged"] = Tensor([divergedCount])
        tensors["evaluation.rate"] = Tensor([lastRate])
    }

    /// Restores what `encode` wrote.
    init(settings: RecommenderSettings, state: any TensorSource) throws(LearningError) {
        self.init(settings: settings)
        means = try PrequentialMeans(
            columns: Self.columnCount,
            window: settings.windowEvents,
            from: state,
            prefix: "evaluation."
        )
        divergedCount = try state.counts("evaluation.diverged", shape: [1])[0]
        lastRate = try state.values("evaluation.rate", of: Double.self, shape: [1])[0]
    }
}
