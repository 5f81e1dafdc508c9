public import Learning

extension RecommenderModel {
    /// Brings the model up to the state after the learner's `takeDelta`.
    ///
    /// Everything is checked before anything is changed.
    public func apply(_ delta: NamedTensors) throws(LearningError) {
        guard !delta.isEmpty else { return }
        let update = try Update(delta, for: self)
        rearrange(update)
        for (index, row) in update.users.enumerated() {
            userFactors.set(row, from: update.userFactors, at: index)
            for place in 0..<historyLength {
                history[Int(row) * historyLength + place] =
                    update.history[index * historyLength + place]
            }
        }
        for (index, row) in update.items.enumerated() {
            itemFactors.set(row, from: update.itemFactors, at: index)
        }
        for (index, row) in update.context.enumerated() {
            contextFactors.set(row, from: update.contextFactors, at: index)
        }
        for (row, bias) in zip(update.users, update.userBiases) { userBiases[row] = bias }
        for (row, bias) in zip(update.items, update.itemBiases) { itemBiases[row] = bias }
        for (row, count) in zip(update.counted, update.counts) { popularity[row] = count }
        for (row, decayed) in zip(update.counted, update.decayed) {
            decayedPopularity[row] = decayed
        }
        for (user, item) in zip(update.seenUsers, update.seenItems) { seen.append(user, item) }
        clock = update.clock
        ratings = update.ratings
    }

    /// Empties, moves and adds rows.
    private func rearrange(_ update: Update) {
        let (ofUsers, ofItems) = (update.ofUsers, update.ofItems)
        if !ofItems.removed.isEmpty || !ofItems.moves.isEmpty {
            renumberItems(itemRows(removed: ofItems.removed, moves: ofItems.moves)) { _ in }
        }
        for (table, update) in zip(tables, [ofUsers, ofItems]) {
            table.remove(update.removed)
            table.move(update.moves)
            table.resize(to: update.count)
        }
        ofUsers.newIDs.forEach { id, place in
            addUser(id, hash: users.hash(id), at: ofUsers.newRows[place])
        }
        ofItems.newIDs.forEach { id, place in
            addItem(id, hash: items.hash(id), at: ofItems.newRows[place])
        }
    }

    /// A delta that fits this model: all of its numbers, checked.
    private struct Update {
        var ofUsers: TableUpdate
        var ofItems: TableUpdate
        var users: [Int32]
        var userFactors: [Float]
        var userBiases: [Float] = []
        var history: [Int32] = []
        var items: [Int32]
        var itemFactors: [Float]
        var itemBiases: [Float] = []
        var context: [Int32] = []
        var contextFactors: [Float] = []
        var counted: [Int32]
        var counts: [Int64]
        var decayed: [Double] = []
        var seenUsers: [Int32]
        var seenItems: [Int32]
        var clock: Int64
        var ratings: RatingTotals

        init(_ delta: NamedTensors, for model: RecommenderModel) throws(LearningError) {
            let base: [Int64] = try delta.values("base", shape: [3])
            let here = [model.clock, Int64(model.users.count), Int64(model.items.count)]
            guard base == here else {
                throw LearningError(
                    .tensor,
                    "the update begins at events, users, items \(base), the model is at \(here)",
                    remedy: "updates were missed; start again from the newest checkpoint"
                )
            }
            let sizes: [Int64] = try delta.values("size", shape: [2])
            ofUsers = try TableUpdate(delta, prefix: "users.", count: sizes[0], of: model.users)
            ofItems = try TableUpdate(delta, prefix: "items.", count: sizes[1], of: model.items)
            let (userCount, itemCount) = (ofUsers.count, ofItems.count)
            let k = model.settings.factors
            users = try delta.ascendingRows("users.rows", below: userCount)
            userFactors = try delta.values("users.factors", shape: [users.count, k])
            items = try delta.ascendingRows("items.rows", below: itemCount)
            itemFactors = try delta.values("items.factors", shape: [items.count, k])
            counted = try delta.ascendingRows("popularity.rows", below: itemCount)
            counts = try delta.counts("popularity.counts", shape: [counted.count])
            if model.settings.feedback == .explicit {
                userBiases = try delta.values("users.bias", shape: [users.count])
                itemBiases = try delta.values("items.bias", shape: [items.count])
            } else {
                decayed = try delta.values("popularity.decayed", shape: [counted.count])
            }
            if model.historyLength > 0 {
                context = try delta.ascendingRows("context.rows", below: itemCount)
                contextFactors = try delta.values("context.factors", shape: [context.count, k])
                history = try delta.values(
                    "users.history",
                    shape: [users.count, model.historyLength]
                )
                guard history.allSatisfy({ $0 >= -1 && $0 < itemCount }) else {
                    throw LearningError(
                        .tensor,
                        "tensor \"users.history\" names an item outside 0..<\(itemCount)",
                        remedy: "the update is damaged; start from the newest checkpoint"
                    )
                }
            }
            seenUsers = try delta.values("seen.users", shape: [-1])
            seenItems = try delta.values("seen.items", shape: [seenUsers.count])
            (clock, ratings) = try RecommenderModel.totals(in: delta, prefix: "")
            try checkSeen(model, users: userCount, items: itemCount)
        }

        /// Whether the user has had the item before this update.
        private func hasSeen(_ user: Int32, _ item: Int32, _ model: RecommenderModel) -> Bool {
            guard let user = ofUsers.origin(of: user), let item = ofItems.origin(of: item),
                user < model.users.count
            else { return false }
            return model.seen.contains(user, item)
        }

        private func checkSeen(
            _ model: RecommenderModel,
            users: Int,
            items: Int
        ) throws(LearningError) {
            var pairs: Set<UInt64> = []
            for (user, item) in zip(seenUsers, seenItems) {
                guard user >= 0, user < users, item >= 0, item < items,
                    pairs.insert(UInt64(user) << 32 | UInt64(item)).inserted,
                    !hasSeen(user, item, model)
                else {
                    throw LearningError(
                        .tensor,
                        "tensors \"seen.…\" hold user \(user), item \(item) wrongly",
                        remedy: "the update is damaged; start from the newest checkpoint"
                    )
                }
            }
        }
    }
}

extension NamedTensors {
    /// Rows that must ascend strictly, so that each stands once, and lie below `count`.
    func ascendingRows(_ name: String, below count: Int) throws(LearningError)
        -> [Int32]
    {
        let rows: [Int32] = try values(name, shape: [-1])
        var previous: Int32 = -1
        for row in rows {
            guard row > previous, row < count else {
                throw LearningError(
                    .tensor,
                    "tensor \"\(name)\" holds row \(row) after \(previous) of \(count)",
                    remedy: "the update is damaged; start from the newest checkpoint"
                )
            }
            previous = row
        }
        return rows
    }
}
