import CKernels

/// Memory of one step of learning from implicit feedback, allocated once.
///
/// Owned by the learner's thread.
final class StepScratch {
    let query = Column<Float>()
    let gradient = Column<Float>()
    let sources = Column<UnsafePointer<Float>?>()
    let weights = Column<Float>()
    let rows = Column<UnsafeMutablePointer<Float>?>()
    let sums = Column<UnsafeMutablePointer<Float>?>()
    let scores = Column<Float>()
    let isSeen = RowSet()

    init(_ model: RecommenderModel) {
        let candidates = 1 + model.settings.implicit.negatives
        query.append(repeating: 0, count: model.userFactors.stride)
        gradient.append(repeating: 0, count: model.userFactors.stride)
        sources.append(repeating: nil, count: 1 + model.historyLength)
        weights.append(1)
        for weight in model.historyWeights { weights.append(weight) }
        rows.append(repeating: nil, count: candidates)
        sums.append(repeating: nil, count: candidates)
        scores.append(repeating: 0, count: candidates)
    }

    func set(_ index: Int, row: Int32, _ factors: RowMatrix, _ accumulators: RowMatrix) {
        let (factors, sum) = (factors[row], accumulators[row])
        ck_prefetch_row(factors, 64)
        ck_prefetch_row(sum, 64)
        rows.base[index] = factors
        sums.base[index] = sum
    }
}
