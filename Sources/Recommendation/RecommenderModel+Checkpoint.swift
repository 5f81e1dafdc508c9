public import Learning

extension RecommenderModel {
    /// What a scorer needs of each user; learners keep more.
    var usersTable: StateTable {
        var columns: [any StateColumn] = [
            IDColumn("model.users.ids.", users, of: "users"),
            MatrixColumn("model.users.factors", userFactors),
            ListColumn("model.seen.", seen, of: "items"),
            PlainColumn.rows("model.users.history", history, width: historyLength, of: "items"),
        ]
        if settings.feedback == .explicit {
            columns.append(PlainColumn("model.users.bias", userBiases, empty: 0))
        }
        return StateTable(name: "users", ids: users, columns: columns)
    }

    /// What a scorer needs of each item; learners keep more.
    var itemsTable: StateTable {
        var columns: [any StateColumn] = [
            IDColumn("model.items.ids.", items, of: "items"),
            MatrixColumn("model.items.factors", itemFactors),
            PlainColumn.counts("model.popularity.counts", popularity),
        ]
        if historyLength > 0 {
            columns.append(MatrixColumn("model.context.factors", contextFactors))
        }
        if settings.feedback == .explicit {
            columns.append(PlainColumn("model.items.bias", itemBiases, empty: 0))
        } else {
            let none = -Double.infinity
            columns.append(PlainColumn("model.popularity.decayed", decayedPopularity, empty: none))
        }
        return StateTable(name: "items", ids: items, columns: columns)
    }

    /// Restores the model from the `model.…` tensors of a learner's encoded state.
    public convenience init(
        settings: RecommenderSettings,
        state: any TensorSource
    ) throws(LearningError) {
        try self.init(settings: settings)
        try tables.load(from: state)
        (clock, ratings) = try Self.totals(in: state, prefix: "model.")
    }

    /// Brings the model up by a learner's increment.
    public func restore(_ increment: any TensorSource) throws(LearningError) {
        var totals = NamedTensors()
        encodeTotals(into: &totals, prefix: "model.")
        try increment.requireBase("base/model.counts", in: totals)
        let place = try tables.stage(increment)
        let newTotals = try Self.totals(in: increment, prefix: "model.")
        try place()
        (clock, ratings) = newTotals
    }

    /// The whole model.
    public func encode() -> NamedTensors {
        var state = NamedTensors()
        encodeTotals(into: &state, prefix: "model.")
        tables.encode(into: &state)
        return state
    }

    func encodeTotals(into tensors: inout NamedTensors, prefix: String) {
        tensors[prefix + "counts"] = Tensor([clock, ratings.count])
        tensors[prefix + "ratings"] = Tensor([
            ratings.mean, ratings.squares, ratings.minimum, ratings.maximum,
        ])
    }

    static func totals(
        in tensors: any TensorSource,
        prefix: String
    ) throws(LearningError) -> (clock: Int64, ratings: RatingTotals) {
        let counts = try tensors.counts(prefix + "counts", shape: [2])
        let numbers: [Double] = try tensors.values(prefix + "ratings", shape: [4])
        guard numbers.allSatisfy(\.isFinite) else {
            throw LearningError(
                .tensor,
                "tensor \"\(prefix)ratings\" holds \(numbers)",
                remedy: "the file or update is damaged; use another version"
            )
        }
        return (
            counts[0],
            RatingTotals(
                count: counts[1],
                mean: numbers[0],
                squares: numbers[1],
                minimum: numbers[2],
                maximum: numbers[3]
            )
        )
    }
}

extension TensorSource {
    /// Counts: not negative, and far enough from the largest integer to be added to.
    func counts(_ name: String, shape: [Int]) throws(LearningError) -> [Int64] {
        let counts: [Int64] = try values(name, shape: shape)
        guard let wrong = counts.first(where: { !(0...NamedTensors.maximumCount).contains($0) })
        else {
            return counts
        }
        throw LearningError(
            .tensor,
            "tensor \"\(name)\" holds the count \(wrong)",
            remedy: "the file or update is damaged; use another version"
        )
    }
}

extension NamedTensors {
    /// The largest number of events that is believed.
    static var maximumCount: Int64 { 1 << 60 }
}
