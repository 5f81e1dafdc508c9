import Learning

/// Keeps a learner within its memory: which users and items are let in, and which are forgotten.
///
/// Everything here depends on settings and events only: what rows take is computed from the state,
/// time is the events' own. So a replay forgets the same rows at the same events, however the
/// events are cut into batches, updates and checkpoints. Owned by the learner's thread.
final class ModelMemory {
    /// Which of the two tables.
    private enum Kind { case users, items }

    private let model: RecommenderModel
    private let tables: [StateTable]
    /// Number of the event that last named each user and item; 0: a free row.
    private let usersTouched: Column<Int64>
    private let itemsTouched: Column<Int64>
    private let changes: ModelChanges
    private let settings: RecommenderSettings.Memory
    /// Whether events have to be looked at before they are learned.
    let isOn: Bool
    /// Bytes that each row takes besides its id and list.
    private let userRowBytes: Int
    private let itemRowBytes: Int
    var state: State

    /// What is remembered about forgetting.
    struct State {
        var evictedUsers: Int64 = 0
        var evictedItems: Int64 = 0
        /// Events that were not learned because user or item had not come often enough.
        var notAdmitted: Int64 = 0
        /// The largest timestamp so far; -1 before the first event.
        var watermark: Int64 = -1
        /// At which event the next look at expiry is due.
        var nextExpiry: Int64 = 0
        var userSketch: AdmissionSketch?
        var itemSketch: AdmissionSketch?
        var userMarks: ExpiryMarks?
        var itemMarks: ExpiryMarks?
    }

    init(
        of model: RecommenderModel,
        tables: [StateTable],
        usersTouched: Column<Int64>,
        itemsTouched: Column<Int64>,
        changes: ModelChanges
    ) {
        self.model = model
        self.tables = tables
        self.usersTouched = usersTouched
        self.itemsTouched = itemsTouched
        self.changes = changes
        settings = model.settings.memory
        isOn = settings != RecommenderSettings.Memory()
        userRowBytes = tables[0].bytesPerRow
        itemRowBytes = tables[1].bytesPerRow
        state = State(settings)
    }

    /// Bytes that users and items take, as counted.
    var byteCount: Int {
        model.users.count * userRowBytes + model.users.byteCount + model.seen.byteCount
            + model.items.count * itemRowBytes + model.items.byteCount
            + settings.sketchesByteCount
    }

    /// Called before an event is learned: forgets what has expired, and what must go to make room.
    ///
    /// Returns false when the event is not to be learned, because its user or item has not come
    /// often enough yet.
    func prepare(
        _ event: InteractionEvents.Interaction,
        timestamp: Int64,
        clock: Int64,
        arena: UnsafeRawPointer
    ) -> Bool {
        state.watermark = max(state.watermark, timestamp)
        if clock >= state.nextExpiry { expire(clock) }
        guard admits(event, arena: arena) else {
            state.notAdmitted += 1
            return false
        }
        guard settings.limit.bytes > 0 else { return true }
        while exceeds(event, arena: arena) {
            guard evict(whileNeeded: { exceeds(event, arena: arena) }) else { break }
        }
        return true
    }

    /// Notes that an event named a user and an item, as far as they are there.
    func touch(user: Int32, item: Int32, clock: Int64) {
        if user != IDTable.absent {
            usersTouched[user] = clock
            changes.checkpointUsers.insert(user)
        }
        if item != IDTable.absent {
            itemsTouched[item] = clock
            changes.checkpointItems.insert(item)
        }
    }

    private func admits(
        _ event: InteractionEvents.Interaction,
        arena: UnsafeRawPointer
    ) -> Bool {
        guard state.userSketch != nil || state.itemSketch != nil else { return true }
        let (user, item) = model.rows(of: event, arena: arena)
        var isAdmitted = true
        if user == IDTable.absent, let count = state.userSketch?.add(event.userHash) {
            isAdmitted = count >= settings.minimumUserEvents
        }
        if item == IDTable.absent, let count = state.itemSketch?.add(event.itemHash) {
            isAdmitted = isAdmitted && count >= settings.minimumItemEvents
        }
        return isAdmitted
    }
}

// MARK: - Room

extension ModelMemory {
    /// Whether learning the event would take more than the limit.
    private func exceeds(
        _ event: InteractionEvents.Interaction,
        arena: UnsafeRawPointer
    ) -> Bool {
        let (user, item) = model.rows(of: event, arena: arena)
        var bytes = byteCount
        var seenCount = 0
        if user == IDTable.absent {
            bytes += model.users.growth(idLength: Int(event.userLength))
            if model.users.free.count == 0 { bytes += userRowBytes + SeenLists.bytesPerUser }
        } else {
            seenCount = model.seen[user].count
        }
        if item == IDTable.absent {
            bytes += model.items.growth(idLength: Int(event.itemLength))
            if model.items.free.count == 0 { bytes += itemRowBytes }
        }
        return bytes + model.seen.growth(after: seenCount) > settings.limit.bytes
    }

    /// Forgets a 20th of the users, least recently used first, or of the items: of whichever has not
    /// been used for longer.
    ///
    /// Gives back the memory of free rows when that is not enough, or when an eighth is free.
    /// Returns false when there is nothing to forget.
    private func evict(whileNeeded isNeeded: () -> Bool) -> Bool {
        let users = leastRecentlyUsed(of: model.users, usersTouched)
        let items = leastRecentlyUsed(of: model.items, itemsTouched)
        guard !users.rows.isEmpty || !items.rows.isEmpty else { return false }
        let areItemsOlder = items.newest < users.newest
        let (kind, ids) = areItemsOlder ? (Kind.items, model.items) : (.users, model.users)
        remove(areItemsOlder ? items.rows : users.rows, of: kind)
        if isNeeded() || ids.free.count * 8 > ids.count { pack(kind) }
        return true
    }

    /// A 20th of the rows, and when the last one of them was used; none: never.
    private func leastRecentlyUsed(
        of ids: IDTable,
        _ touched: Column<Int64>
    ) -> (rows: [Int32], newest: Int64) {
        guard ids.usedCount > 0 else { return ([], .max) }
        let rows = LeastRecentlyUsed.rows(touched.buffer, count: max(ids.usedCount / 20, 1))
        return (rows, rows.reduce(0) { max($0, touched[$1]) })
    }

    /// Forgets what has not come for too long.
    ///
    /// How often this is looked at depends on the number of rows, so that it costs little for each
    /// event.
    private func expire(_ clock: Int64) {
        let watermark = state.watermark
        let rows = max(model.users.count, model.items.count)
        state.nextExpiry = clock + Int64(max(rows / 16, 16))
        if let upTo = state.userMarks?.advance(clock: clock, watermark: watermark) {
            remove(LeastRecentlyUsed.rows(usersTouched.buffer, upTo: upTo), of: .users)
        }
        if let upTo = state.itemMarks?.advance(clock: clock, watermark: watermark) {
            remove(LeastRecentlyUsed.rows(itemsTouched.buffer, upTo: upTo), of: .items)
        }
    }

    private func remove(_ rows: [Int32], of kind: Kind) {
        guard !rows.isEmpty else { return }
        switch kind {
        case .users:
            tables[0].remove(rows)
            changes.removeUsers(rows)
            state.evictedUsers += Int64(rows.count)
        case .items:
            renumberItems(removed: rows, moves: [])
            tables[1].remove(rows)
            changes.removeItems(rows)
            state.evictedItems += Int64(rows.count)
        }
    }

    /// Moves the last rows into free ones, and gives back the memory at the end.
    private func pack(_ kind: Kind) {
        let table = tables[kind == .users ? 0 : 1]
        let (moves, count) = table.packing()
        if kind == .items { renumberItems(removed: [], moves: moves) }
        table.move(moves)
        table.resize(to: count)
        switch kind {
        case .users: changes.moveUsers(moves, count: count)
        case .items: changes.moveItems(moves, count: count)
        }
    }

    private func renumberItems(removed: [Int32], moves: [RowMove]) {
        let rows = model.itemRows(removed: removed, moves: moves)
        model.renumberItems(rows) { changes.insertForCheckpoint(user: $0) }
    }
}

extension ModelMemory {
    /// What was forgotten, and how much memory is counted.
    var metrics: [Metric] {
        [
            Metric("evicted.users", Double(state.evictedUsers)),
            Metric("evicted.items", Double(state.evictedItems)),
            Metric("not.admitted", Double(state.notAdmitted)),
            Metric("memory.bytes", Double(byteCount)),
        ]
    }
}
