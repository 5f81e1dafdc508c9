public import Learning

extension RecommenderModel {
    /// Restores the model from the `model.…` tensors of a learner's encoded state.
    public convenience init(
        settings: RecommenderSettings,
        state: NamedTensors
    ) throws(LearningError) {
        try self.init(settings: settings)
        try decodeIDs(state)
        let (userCount, itemCount) = (users.count, items.count)
        let width = settings.factors
        try Self.fill(userFactors, from: state, "model.users.factors", rows: userCount)
        try Self.fill(itemFactors, from: state, "model.items.factors", rows: itemCount)
        try Self.fill(
            contextFactors,
            from: state,
            "model.context.factors",
            rows: historyLength > 0 ? itemCount : 0
        )
        precondition(userFactors.width == width)
        try seen.decode(state, prefix: "model.seen.", users: userCount, items: itemCount)
        try decodeHistory(state, users: userCount, items: itemCount)
        let counts = try state.counts("model.popularity.counts", shape: [itemCount])
        counts.withUnsafeBufferPointer { popularity.append($0) }
        if settings.feedback == .explicit {
            let ofUsers: [Float] = try state.values("model.users.bias", shape: [userCount])
            let ofItems: [Float] = try state.values("model.items.bias", shape: [itemCount])
            ofUsers.withUnsafeBufferPointer { userBiases.append($0) }
            ofItems.withUnsafeBufferPointer { itemBiases.append($0) }
        } else {
            let decayed: [Double] = try state.values(
                "model.popularity.decayed",
                shape: [itemCount]
            )
            decayed.withUnsafeBufferPointer { decayedPopularity.append($0) }
        }
        try decodeTotals(state, prefix: "model.")
    }

    /// Adds all of the model to `tensors`.
    func encode(into tensors: inout NamedTensors) {
        users.encode(into: &tensors, prefix: "model.users.ids.")
        items.encode(into: &tensors, prefix: "model.items.ids.")
        tensors["model.users.factors"] = userFactors.tensor()
        tensors["model.items.factors"] = itemFactors.tensor()
        tensors["model.context.factors"] = contextFactors.tensor()
        seen.encode(into: &tensors, prefix: "model.seen.")
        tensors["model.users.history"] = Tensor(
            elementType: .int32,
            shape: [users.count, historyLength],
            bytes: history.tensor().bytes
        )
        tensors["model.popularity.counts"] = popularity.tensor()
        if settings.feedback == .explicit {
            tensors["model.users.bias"] = userBiases.tensor()
            tensors["model.items.bias"] = itemBiases.tensor()
        } else {
            tensors["model.popularity.decayed"] = decayedPopularity.tensor()
        }
        encodeTotals(into: &tensors, prefix: "model.")
    }

    func encodeTotals(into tensors: inout NamedTensors, prefix: String) {
        tensors[prefix + "counts"] = Tensor([clock, ratings.count])
        tensors[prefix + "ratings"] = Tensor([
            ratings.mean, ratings.squares, ratings.minimum, ratings.maximum,
        ])
    }

    func decodeTotals(_ tensors: NamedTensors, prefix: String) throws(LearningError) {
        let totals = try Self.totals(in: tensors, prefix: prefix)
        clock = totals.clock
        ratings = totals.ratings
    }

    static func totals(
        in tensors: NamedTensors,
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

    private func decodeIDs(_ state: NamedTensors) throws(LearningError) {
        let ofUsers = try users.newIDs(in: state, prefix: "model.users.ids.")
        let ofItems = try items.newIDs(in: state, prefix: "model.items.ids.")
        users.insertAll(ofUsers)
        items.insertAll(ofItems)
    }

    private func decodeHistory(
        _ state: NamedTensors,
        users: Int,
        items: Int
    ) throws(LearningError) {
        let rows: [Int32] = try state.values(
            "model.users.history",
            shape: [users, historyLength]
        )
        try checkHistory(rows, items: items, name: "model.users.history")
        rows.withUnsafeBufferPointer { history.append($0) }
    }

    func checkHistory(_ rows: [Int32], items: Int, name: String) throws(LearningError) {
        guard rows.allSatisfy({ $0 >= -1 && $0 < items }) else {
            throw LearningError(
                .tensor,
                "tensor \"\(name)\" names an item outside 0..<\(items)",
                remedy: "the file or update is damaged; use another version"
            )
        }
    }

    /// Appends the rows of a tensor of shape [rows, width] to an empty matrix.
    static func fill(
        _ matrix: RowMatrix,
        from state: NamedTensors,
        _ name: String,
        rows: Int,
        padding: Float = 0
    ) throws(LearningError) {
        let values: [Float] = try state.values(name, shape: [rows, matrix.width])
        matrix.append(rows: values, padding: padding)
    }
}

extension IDTable {
    /// Adds ids that `newIDs` has checked.
    func insertAll(_ ids: (bytes: [UInt8], lengths: [Int32])) {
        let _: Void? = Self.forEach(ids.bytes, ids.lengths) { id in
            _ = insert(id, hash: hash(id))
            return nil
        }
    }
}

extension NamedTensors {
    /// Counts: not negative, and far enough from the largest integer to be added to.
    func counts(_ name: String, shape: [Int]) throws(LearningError) -> [Int64] {
        let counts: [Int64] = try values(name, shape: shape)
        guard let wrong = counts.first(where: { !(0...1 << 60).contains($0) }) else {
            return counts
        }
        throw LearningError(
            .tensor,
            "tensor \"\(name)\" holds the count \(wrong)",
            remedy: "the file or update is damaged; use another version"
        )
    }
}
