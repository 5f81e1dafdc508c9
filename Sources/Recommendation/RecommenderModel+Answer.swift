import CKernels
public import Learning

/// Scratch memory of scoring, kept between calls.
///
/// Owned with the model that holds it.
struct ScoringBuffers {
    /// Users scored at once: every block of items is read once for all of them.
    static let userCount = 64
    /// Items scored at once: 64 rows of scores stay in the second-level cache (256 KiB).
    static let itemCount = 1024

    /// One row per user: [64×k].
    var queries: RowMatrix?
    /// One row per user: [64×1024].
    let scores = Column<Float>()
    let indices = Column<UInt32>()
    let sources = Column<UnsafePointer<Float>?>()

    mutating func prepare(width: Int, historyLength: Int) -> RowMatrix {
        if let queries { return queries }
        let rows = RowMatrix(width: width)
        for _ in 0..<Self.userCount { rows.append() }
        scores.append(repeating: 0, count: Self.userCount * Self.itemCount)
        indices.append(repeating: 0, count: Self.itemCount)
        sources.append(repeating: nil, count: 1 + historyLength)
        queries = rows
        return rows
    }
}

extension RecommenderModel {
    /// Answers requests for recommendations; exact: every item is scored.
    ///
    /// An answer does not depend on which other requests it is computed with, down to the last bit.
    public func answer(
        _ requests: EncodedBatch,
        stamp: ModelStamp
    ) -> [Answer] {
        var answers = [Answer](repeating: Answer(value: nil), count: requests.count)
        var rankings: [Ranking] = []
        for index in requests.indices {
            do throws(RecommendRequest.Refusal) {
                let request = try RecommendRequest(requests[index], model: stamp.model)
                rankings.append(Ranking(request, index: index, model: self))
            } catch {
                answers[index] = AnswerWriter.refuse(error, stamp: stamp)
            }
        }
        rank(&rankings)
        for ranking in rankings {
            answers[ranking.index] = AnswerWriter.write(ranking, model: self, stamp: stamp)
        }
        return answers
    }

    private func rank(_ rankings: inout [Ranking]) {
        var wholeCatalogue: [Int] = []
        for index in rankings.indices {
            if rankings[index].candidates != nil {
                rankCandidates(&rankings[index])
            } else if rankings[index].user == nil {
                rankByPopularity(&rankings[index])
            } else {
                wholeCatalogue.append(index)
            }
        }
        for start in stride(from: 0, to: wholeCatalogue.count, by: ScoringBuffers.userCount) {
            let end = min(start + ScoringBuffers.userCount, wholeCatalogue.count)
            rankTogether(&rankings, wholeCatalogue[start..<end])
        }
    }

    /// Ranks all items for up to 64 known users.
    private func rankTogether(_ rankings: inout [Ranking], _ group: ArraySlice<Int>) {
        let queries = scoring.prepare(
            width: settings.factors,
            historyLength: historyLength
        )
        var pointers: [UnsafePointer<Float>?] = []
        for (row, index) in group.enumerated() {
            let target = queries[Int32(row)]
            prepareQuery(of: rankings[index], into: target)
            pointers.append(UnsafePointer(target))
        }
        var start = 0
        while start < items.count {
            let run = itemFactors.run(from: start, limit: ScoringBuffers.itemCount)
            ck_score_block(
                pointers,
                pointers.count,
                run.rows,
                run.count,
                itemFactors.stride,
                scoring.scores.base,
                ScoringBuffers.itemCount
            )
            for (row, index) in group.enumerated() {
                let scores = scoring.scores.base + row * ScoringBuffers.itemCount
                addItemBiases(to: scores, first: start, count: run.count)
                offer(scores, first: start, count: run.count, to: &rankings[index])
            }
            start += run.count
        }
    }

    private func prepareQuery(of ranking: Ranking, into target: UnsafeMutablePointer<Float>) {
        let user = ranking.user ?? 0
        weightsOfQuery.withUnsafeBufferPointer { weights in
            guard let weights = weights.baseAddress else { return }
            query(user, into: target, sources: scoring.sources.base, weights: weights)
        }
    }

    private func addItemBiases(to scores: UnsafeMutablePointer<Float>, first: Int, count: Int) {
        guard settings.feedback == .explicit else { return }
        for index in 0..<count { scores[index] += itemBiases.base[first + index] }
    }

    private func offer(
        _ scores: UnsafeMutablePointer<Float>,
        first: Int,
        count: Int,
        to ranking: inout Ranking
    ) {
        if ck_all_finite(scores, count) == 0 { ranking.isFinite = false }
        // A list takes nothing that scores minus infinity.
        items.free.forEach(in: first..<(first + count)) { scores[$0 - first] = -.infinity }
        ranking.top.offer(
            UnsafeBufferPointer(start: scores, count: count),
            first: first,
            indices: scoring.indices.base
        )
    }

    private func rankByPopularity(_ ranking: inout Ranking) {
        _ = scoring.prepare(width: settings.factors, historyLength: historyLength)
        for start in stride(from: 0, to: items.count, by: ScoringBuffers.itemCount) {
            let count = min(ScoringBuffers.itemCount, items.count - start)
            for index in 0..<count {
                scoring.scores.base[index] = popularityScore(Int32(start + index))
            }
            // What `offer` leaves out has no popularity that is a number.
            items.free.forEach(in: start..<(start + count)) {
                scoring.scores.base[$0 - start] = 0
            }
            offer(scoring.scores.base, first: start, count: count, to: &ranking)
        }
    }

    private func rankCandidates(_ ranking: inout Ranking) {
        let queries = scoring.prepare(
            width: settings.factors,
            historyLength: historyLength
        )
        let query = queries[0]
        if ranking.user != nil { prepareQuery(of: ranking, into: query) }
        for item in ranking.candidates ?? [] {
            var score = popularityScore(item)
            if ranking.user != nil {
                score = ck_dot(query, itemFactors[item], itemFactors.stride)
                addItemBiases(to: &score, first: Int(item), count: 1)
            }
            if !score.isFinite { ranking.isFinite = false }
            ranking.top.offer(TopList.Entry(score: score, row: item))
        }
    }

    /// By what items are ranked for a user who is not known: log2 of the decayed number of events,
    /// or the bias where ratings are learned.
    private func popularityScore(_ item: Int32) -> Float {
        settings.feedback == .explicit
            ? itemBiases[item]
            : Float(decayedPopularity[item] - Double(clock) / settings.popularityHalfLifeEvents)
    }

    /// 1, then the weights of the history.
    private var weightsOfQuery: [Float] { [1] + historyWeights }

    /// What is shown for a score by which was ranked: itself, a decayed number of events, or a
    /// rating within the range observed.
    func shownScore(_ score: Float, user: Int32?) -> Float {
        if settings.feedback == .explicit {
            let taste = Double((user.map { userBiases[$0] } ?? 0) + score)
            return Float(ratings.clipped(ratings.mean + ratings.spread * taste))
        }
        return user == nil ? Float(ck_exp2(Double(score))) : score
    }
}

/// One request on its way to an answer.
struct Ranking {
    let index: Int
    let request: RecommendRequest
    /// Nil when the user is not known.
    let user: Int32?
    /// Rows of the candidates that are known, ascending, each once; nil for all items.
    let candidates: [Int32]?
    let unknownCandidates: [[UInt8]]
    var top: TopList
    /// Whether every score was a finite number.
    var isFinite = true

    init(_ request: RecommendRequest, index: Int, model: RecommenderModel) {
        self.index = index
        self.request = request
        let row = request.user.withUnsafeBytes {
            model.users.find($0, hash: model.users.hash($0))
        }
        user = row == IDTable.absent ? nil : row
        var unknown: [[UInt8]] = []
        candidates = request.candidates.map { ids in
            var rows: Set<Int32> = []
            for id in ids {
                let row = id.withUnsafeBytes { model.items.find($0, hash: model.items.hash($0)) }
                if row == IDTable.absent { unknown.append(id) } else { rows.insert(row) }
            }
            return rows.sorted()
        }
        unknownCandidates = unknown
        let excluded = request.excludesSeen ? user.map { model.seen[$0].sorted() } : nil
        top = TopList(limit: request.count, excluding: excluded ?? [])
    }
}
