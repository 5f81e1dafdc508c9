import Learning

/// What a learner has changed in its model since the last update: which rows, each once.
///
/// Owned by the learner's thread.
final class ModelChanges {
    let users = RowSet()
    let items = RowSet()
    let context = RowSet()
    let popularity = RowSet()
    /// New (user, item) pairs, in order.
    let seenUsers = Column<Int32>()
    let seenItems = Column<Int32>()
    // Where the model stood at the last update.
    private var userCount: Int
    private var itemCount: Int
    private var clock: Int64

    init(of model: RecommenderModel) {
        userCount = model.users.count
        itemCount = model.items.count
        clock = model.clock
    }

    /// The changes as absolute values, in ascending order of rows; no tensors when nothing changed.
    ///
    /// Forgets them.
    func take(from model: RecommenderModel) -> NamedTensors {
        var delta = NamedTensors()
        guard model.clock != clock else { return delta }
        delta["base"] = Tensor([clock, Int64(userCount), Int64(itemCount)])
        model.encodeTotals(into: &delta, prefix: "")
        model.users.encode(into: &delta, prefix: "users.ids.", from: userCount)
        model.items.encode(into: &delta, prefix: "items.ids.", from: itemCount)
        takeRows(from: model, into: &delta)
        delta["seen.users"] = seenUsers.tensor()
        delta["seen.items"] = seenItems.tensor()
        seenUsers.removeAll()
        seenItems.removeAll()
        userCount = model.users.count
        itemCount = model.items.count
        clock = model.clock
        return delta
    }

    private func takeRows(from model: RecommenderModel, into delta: inout NamedTensors) {
        let userRows = users.takeAll()
        delta["users.rows"] = Tensor(userRows)
        delta["users.factors"] = model.userFactors.tensor(rows: userRows)
        let itemRows = items.takeAll()
        delta["items.rows"] = Tensor(itemRows)
        delta["items.factors"] = model.itemFactors.tensor(rows: itemRows)
        let counted = popularity.takeAll()
        delta["popularity.rows"] = Tensor(counted)
        delta["popularity.counts"] = Tensor(counted.map { model.popularity[$0] })
        if model.settings.feedback == .explicit {
            delta["users.bias"] = Tensor(userRows.map { model.userBiases[$0] })
            delta["items.bias"] = Tensor(itemRows.map { model.itemBiases[$0] })
            return
        }
        delta["popularity.decayed"] = Tensor(counted.map { model.decayedPopularity[$0] })
        let length = model.historyLength
        guard length > 0 else { return }
        let contextRows = context.takeAll()
        delta["context.rows"] = Tensor(contextRows)
        delta["context.factors"] = model.contextFactors.tensor(rows: contextRows)
        let changed = Column<Int32>()
        for row in userRows {
            changed.append(
                UnsafeBufferPointer(start: model.history.base + Int(row) * length, count: length)
            )
        }
        delta["users.history"] = changed.tensor(width: length)
    }
}
