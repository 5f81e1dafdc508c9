import Learning

/// What a learner has changed in its model since the last update: which rows, each once.
///
/// What an update has taken still has to go into a checkpoint. Owned by the learner's thread.
final class ModelChanges {
    let users = RowSet()
    let items = RowSet()
    let context = RowSet()
    let popularity = RowSet()
    /// Which rows came, went and moved.
    let ofUsers = TableChanges()
    let ofItems = TableChanges()
    /// New (user, item) pairs, in order.
    let seenUsers = Column<Int32>()
    let seenItems = Column<Int32>()
    /// What has changed since the last checkpoint and is not waiting for the next update.
    let checkpoint: CheckpointChanges
    let checkpointUsers: RowSet
    let checkpointItems: RowSet
    /// Where the model stood at the last update.
    private var clock: Int64

    /// Follow with `begin`, once there is a state to begin from.
    init(of tables: [StateTable]) {
        checkpoint = CheckpointChanges(tables)
        checkpointUsers = checkpoint.rows(of: "users")
        checkpointItems = checkpoint.rows(of: "items")
        clock = 0
    }

    /// Forgets all changes: both the last update and the last checkpoint hold what the model has
    /// now.
    func begin(from model: RecommenderModel, whole: NamedTensors) {
        for set in [users, items, context, popularity] { set.removeAll() }
        seenUsers.removeAll()
        seenItems.removeAll()
        ofUsers.begin(count: model.users.count)
        ofItems.begin(count: model.items.count)
        clock = model.clock
        checkpoint.begin(from: whole)
    }

    /// Notes rows of which only the learner has changed something: no update is to carry them.
    func insertForCheckpoint(user: Int32, item: Int32) {
        checkpointUsers.insert(user)
        checkpointItems.insert(item)
    }

    /// Completes a checkpoint; the changes for the next update stay.
    func takeLastCheckpointPart(whole: NamedTensors) -> NamedTensors {
        noteForCheckpoint()
        return checkpoint.takeLastPart(whole: whole)
    }

    private func noteForCheckpoint() {
        checkpointUsers.formUnion(users)
        for set in [items, context, popularity] { checkpointItems.formUnion(set) }
    }

    /// The changes as absolute values, in ascending order of rows; no tensors when nothing changed.
    ///
    /// Forgets them.
    func take(from model: RecommenderModel) -> NamedTensors {
        var delta = NamedTensors()
        let isRearranged = ofUsers.hasRemoved || ofItems.hasRemoved
        guard model.clock != clock || isRearranged else { return delta }
        noteForCheckpoint()
        let counts = [clock, Int64(ofUsers.baseCount), Int64(ofItems.baseCount)]
        delta["base"] = Tensor(counts)
        delta["size"] = Tensor([Int64(model.users.count), Int64(model.items.count)])
        model.encodeTotals(into: &delta, prefix: "")
        ofUsers.take(from: model.users, into: &delta, prefix: "users.")
        ofItems.take(from: model.items, into: &delta, prefix: "items.")
        takeRows(from: model, into: &delta)
        delta["seen.users"] = seenUsers.tensor()
        delta["seen.items"] = seenItems.tensor()
        seenUsers.removeAll()
        seenItems.removeAll()
        clock = model.clock
        return delta
    }

    private func takeRows(from model: RecommenderModel, into delta: inout NamedTensors) {
        let userRows = users.takeAll()
        delta["users.rows"] = Tensor(userRows)
        delta["users.factors"] = model.userFactors.tensor(.some(userRows))
        let itemRows = items.takeAll()
        delta["items.rows"] = Tensor(itemRows)
        delta["items.factors"] = model.itemFactors.tensor(.some(itemRows))
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
        delta["context.factors"] = model.contextFactors.tensor(.some(contextRows))
        let changed = Column<Int32>()
        for row in userRows {
            changed.append(
                UnsafeBufferPointer(start: model.history.base + Int(row) * length, count: length)
            )
        }
        delta["users.history"] = changed.tensor(width: length)
    }
}
