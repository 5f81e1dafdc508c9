// The journal: which offsets a model has learned, in the order of learning. The state after a prefix
// of it is a pure function of that prefix and the log. Positions count offsets, not entries, so that
// entries can be merged, and a position in the middle of one is as good as one between two.
import GRDB

private struct JournalRow: Codable, FetchableRecord {
    let position: Int64
    let epoch: Int64
    let topic: String
    let partition: Int32
    let firstOffset: Int64
    let lastOffset: Int64

    static let select = """
        SELECT position, journal.epoch, topic, partition, firstOffset, lastOffset
        FROM journal JOIN source ON source.id = sourceID
        """

    /// The position after the entry.
    var end: Int64 { position + (lastOffset - firstOffset + 1) }

    static func newest(_ modelID: Int64, in db: Database) throws -> JournalRow? {
        let row = try fetchOne(
            db,
            sql: "\(select) WHERE journal.modelID = ? ORDER BY position DESC LIMIT 1",
            arguments: [modelID]
        )
        try row?.check()
        return row
    }

    /// Throws unless positions and offsets are in their bounds, so that no sum overflows.
    func check() throws(ModelStoreError) {
        let range = OffsetRange(
            topic: topic,
            partition: partition,
            first: firstOffset,
            last: lastOffset
        )
        try ModelStore.check(range, as: .damaged)
        guard (0..<Int64.max / 4).contains(position), epoch > 0 else {
            throw damaged("is of epoch \(epoch)")
        }
    }

    func damaged(_ finding: String) -> ModelStoreError {
        ModelStoreError(
            .damaged,
            "the journal's entry at position \(position) \(finding)",
            remedy: "restore the store from a copy"
        )
    }

    /// What of the entry lies within the positions, which it touches.
    func cut(to positions: Range<Int64>) -> JournalEntry {
        let skipped = max(0, positions.lowerBound - position)
        let last = min(lastOffset, firstOffset + (positions.upperBound - 1 - position))
        return JournalEntry(
            position: position + skipped,
            epoch: epoch,
            range: OffsetRange(
                topic: topic,
                partition: partition,
                first: firstOffset + skipped,
                last: last
            )
        )
    }
}

private struct SourceRow: Codable, FetchableRecord {
    let id: Int64
    let nextOffset: Int64
}

private struct NextOffsetRow: Codable, FetchableRecord {
    let topic: String
    let partition: Int32
    let nextOffset: Int64
}

extension ModelStore {
    /// Records that the ranges were learned in this order; all of them durable on return, or none.
    ///
    /// A range that goes on where the newest entry ends extends that entry, unless a version was
    /// made there. Throws `.fenced` when a newer epoch has begun, and `.invalid` when an offset has
    /// been journalled before: no event is learned twice.
    public func appendJournal(
        model: String,
        epoch: Int64,
        ranges: [OffsetRange]
    ) throws(ModelStoreError) {
        try Self.checkName(model, of: "model")
        for range in ranges {
            try Self.check(range)
        }
        try write { db in
            let modelID = try ModelRow.find(model, inEpoch: epoch, in: db).id
            for range in ranges {
                try Self.append(range, epoch: epoch, modelID: modelID, in: db)
            }
        }
    }

    /// The entries from a position on, in the order of learning.
    ///
    /// The first begins at the position exactly, if need be in the middle of what was recorded.
    public func journal(
        of model: String,
        from position: Int64
    ) throws(ModelStoreError) -> [JournalEntry] {
        try Self.checkName(model, of: "model")
        guard position >= 0 else {
            throw ModelStoreError(
                .invalid,
                "journal position \(position) is negative",
                remedy: "positions count from 0"
            )
        }
        return try read { db in
            guard let modelID = try ModelRow.find(model, in: db)?.id else { return [] }
            let end = try Self.journalEnd(modelID, in: db)
            guard position < end else { return [] }
            return try Self.entries(modelID, within: position..<end, in: db)
        }
    }

    /// The number of offsets journalled so far.
    public func journalPosition(of model: String) throws(ModelStoreError) -> Int64 {
        try Self.checkName(model, of: "model")
        return try read { db in
            guard let modelID = try ModelRow.find(model, in: db)?.id else { return 0 }
            return try Self.journalEnd(modelID, in: db)
        }
    }

    /// Per partition, the first offset that has not been journalled; ordered by topic and number.
    public func nextOffsets(of model: String) throws(ModelStoreError) -> [OffsetPosition] {
        try Self.checkName(model, of: "model")
        return try read { db in
            let rows = try NextOffsetRow.fetchAll(
                db,
                sql: """
                    SELECT topic, partition, nextOffset FROM source
                    JOIN model ON model.id = modelID
                    WHERE model.name = ? ORDER BY topic, partition
                    """,
                arguments: [model]
            )
            return try rows.map { row in
                guard row.nextOffset >= 0, row.partition >= 0 else {
                    throw ModelStoreError(
                        .damaged,
                        "the store holds \(row.nextOffset) as the next offset of \"\(row.topic)\" "
                            + "partition \(row.partition)",
                        remedy: "restore the store from a copy"
                    )
                }
                return OffsetPosition(
                    topic: row.topic,
                    partition: row.partition,
                    offset: row.nextOffset
                )
            }
        }
    }

    /// The entries within positions that the journal has, cut at both ends.
    ///
    /// Throws `.damaged` unless they are there without a gap.
    static func entries(
        _ modelID: Int64,
        within positions: Range<Int64>,
        in db: Database
    ) throws -> [JournalEntry] {
        let rows = try JournalRow.fetchCursor(
            db,
            sql: """
                \(JournalRow.select)
                WHERE journal.modelID = ?1 AND position < ?3 AND position >= (
                    SELECT coalesce(max(position), 0) FROM journal
                    WHERE modelID = ?1 AND position <= ?2)
                ORDER BY position
                """,
            arguments: [modelID, positions.lowerBound, positions.upperBound]
        )
        var entries: [JournalEntry] = []
        var next = positions.lowerBound
        while let row = try rows.next() {
            try row.check()
            guard row.position <= next, row.position == next || entries.isEmpty, row.end > next
            else { throw row.damaged("does not go on from position \(next)") }
            entries.append(row.cut(to: positions))
            next = row.end
        }
        guard next >= positions.upperBound else {
            throw ModelStoreError(
                .damaged,
                "the journal has nothing at position \(next), before \(positions.upperBound)",
                remedy: "restore the store from a copy"
            )
        }
        return entries
    }

    static func journalEnd(_ modelID: Int64, in db: Database) throws -> Int64 {
        try JournalRow.newest(modelID, in: db)?.end ?? 0
    }

    static func check(
        _ range: OffsetRange,
        as kind: ModelStoreError.Kind = .invalid
    ) throws(ModelStoreError) {
        // Kafka's offsets end long before; below this bound no sum of two overflows.
        guard range.first >= 0, range.last >= range.first, range.last < Int64.max / 4,
            range.partition >= 0, !range.topic.isEmpty
        else {
            throw ModelStoreError(
                kind,
                "offsets \(range.first) to \(range.last) of \"\(range.topic)\" partition "
                    + "\(range.partition) are no range",
                remedy: kind == .damaged
                    ? "restore the store from a copy"
                    : "name a topic, a partition of 0 or more, and 0 <= first <= last"
            )
        }
    }

    private static func append(
        _ range: OffsetRange,
        epoch: Int64,
        modelID: Int64,
        in db: Database
    ) throws {
        let sourceID = try advance(range, modelID: modelID, in: db)
        let newest = try JournalRow.newest(modelID, in: db)
        let position = newest?.end ?? 0
        if let newest, newest.epoch == epoch, newest.topic == range.topic,
            newest.partition == range.partition, newest.lastOffset + 1 == range.first,
            try !hasVersion(at: position, modelID: modelID, in: db)
        {
            try db.execute(
                sql: "UPDATE journal SET lastOffset = ? WHERE modelID = ? AND position = ?",
                arguments: [range.last, modelID, newest.position]
            )
            return
        }
        guard position < Int64.max / 4 else {
            throw ModelStoreError(
                .invalid,
                "the journal is at position \(position) and cannot grow",
                remedy: "the store is damaged: restore it from a copy"
            )
        }
        try db.execute(
            sql: """
                INSERT INTO journal (modelID, position, epoch, sourceID, firstOffset, lastOffset)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [modelID, position, epoch, sourceID, range.first, range.last]
        )
    }

    /// Moves the partition's mark of what has been learned beyond the range.
    private static func advance(
        _ range: OffsetRange,
        modelID: Int64,
        in db: Database
    ) throws -> Int64 {
        let source = try SourceRow.fetchOne(
            db,
            sql: """
                INSERT INTO source (modelID, topic, partition, nextOffset) VALUES (?, ?, ?, 0)
                ON CONFLICT (modelID, topic, partition) DO UPDATE SET nextOffset = nextOffset
                RETURNING id, nextOffset
                """,
            arguments: [modelID, range.topic, range.partition]
        )
        guard let source, range.first >= source.nextOffset else {
            throw ModelStoreError(
                .invalid,
                "offset \(range.first) of \"\(range.topic)\" partition \(range.partition) has been "
                    + "learned before: the next is \(source?.nextOffset ?? 0)",
                remedy: "go on from the journal's end; for a topic made anew use a new model name"
            )
        }
        try db.execute(
            sql: "UPDATE source SET nextOffset = ? WHERE id = ?",
            arguments: [range.last + 1, source.id]
        )
        return source.id
    }

    private static func hasVersion(
        at position: Int64,
        modelID: Int64,
        in db: Database
    ) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: "SELECT EXISTS (SELECT 1 FROM version WHERE modelID = ? AND journalPosition = ?)",
            arguments: [modelID, position]
        ) ?? false
    }
}
