import Learning

/// Ids one after another, and how long each is: as they stand in checkpoints and updates.
struct EncodedIDs {
    let bytes: [UInt8]
    let lengths: [Int32]

    /// The ids of rows of a table.
    init(_ rows: RowSelection, of table: IDTable) {
        var lengths: [Int32] = []
        lengths.reserveCapacity(rows.count)
        var bytes: [UInt8] = []
        rows.forEachRun { rows, _ in
            for row in rows {
                let id = table[Int32(row)]
                lengths.append(Int32(id.count))
                bytes.append(contentsOf: id)
            }
        }
        self.bytes = bytes
        self.lengths = lengths
    }

    /// Reads what `encode` wrote, and checks that each is an id by itself.
    ///
    /// A free row has an id of no bytes, where that is allowed.
    init(
        _ source: any TensorSource,
        prefix: String,
        count: Int,
        allowsFree: Bool = false
    ) throws(LearningError) {
        bytes = try source.values(prefix + "bytes", shape: [-1])
        lengths = try source.values(prefix + "lengths", shape: [count])
        var total = 0
        for length in lengths {
            let least: Int32 = allowsFree ? 0 : 1
            guard (least...Int32(InteractionEvents.maximumIDLength)).contains(length) else {
                throw Self.damaged(prefix, "an id of \(length) bytes")
            }
            total += Int(length)
        }
        guard total == bytes.count else {
            throw Self.damaged(prefix, "\(bytes.count) bytes, the lengths add up to \(total)")
        }
        guard bytes.withUnsafeBytes({ !UTF8Check.isASCII($0) }) else { return }
        if let wrong = firstIndex(where: { !UTF8Check.isValid($0) }) {
            throw Self.damaged(prefix, "an id that is not UTF-8, the one at \(wrong)")
        }
    }

    /// Adds the ids to `tensors`.
    func encode(into tensors: inout NamedTensors, prefix: String) {
        tensors[prefix + "bytes"] = Tensor(
            elementType: .uint8,
            shape: [bytes.count],
            bytes: bytes
        )
        tensors[prefix + "lengths"] = Tensor(lengths)
    }

    /// Calls `body` with each id and its place.
    func forEach(_ body: (_ id: UnsafeRawBufferPointer, _ place: Int) -> Void) {
        _ = firstIndex { id, place in
            body(id, place)
            return false
        }
    }

    /// The place of the first id for which `isFound` holds.
    func firstIndex(where isFound: (UnsafeRawBufferPointer) -> Bool) -> Int? {
        firstIndex { id, _ in isFound(id) }
    }

    /// The place of the first id for which `isFound`, called with id and place, holds.
    func firstIndex(where isFound: (UnsafeRawBufferPointer, Int) -> Bool) -> Int? {
        bytes.withUnsafeBytes { all in
            var start = 0
            for (place, length) in lengths.enumerated() {
                let end = start + Int(length)
                if isFound(UnsafeRawBufferPointer(rebasing: all[start..<end]), place) {
                    return place
                }
                start = end
            }
            return nil
        }
    }

    static func damaged(_ prefix: String, _ what: String) -> LearningError {
        LearningError(
            .tensor,
            "tensors \"\(prefix)…\" hold \(what)",
            remedy: "the file or update is damaged; use another version"
        )
    }
}

extension IDTable {
    /// Fills an empty table.
    ///
    /// Throws when an id stands twice; the table is then of no use any more.
    func fill(_ encoded: EncodedIDs, prefix: String) throws(LearningError) {
        reserve(encoded.lengths.count)
        let twice = encoded.firstIndex { id in
            let row = appendFreeRow()
            guard !id.isEmpty else { return false }
            let hash = hash(id)
            guard find(id, hash: hash) == Self.absent else { return true }
            insert(id, hash: hash, at: row)
            return false
        }
        if let twice {
            throw EncodedIDs.damaged(prefix, "an id twice, the second one at \(twice)")
        }
    }

    /// Throws unless rows of this table can be given these ids while other rows, of those below
    /// `size`, keep theirs.
    func check(
        _ encoded: EncodedIDs,
        of rows: [Int32],
        size: Int,
        prefix: String
    ) throws(LearningError) {
        let others = IDTable(seed: 0)
        let replaced = RowSet(rows)
        let wrong = encoded.firstIndex { id, place in
            guard !id.isEmpty else { return false }
            let row = find(id, hash: hash(id))
            let isKept = row != Self.absent && row < size && !replaced.contains(row)
            return isKept || !others.insertIfAbsent(id, hash: others.hash(id))
        }
        if let wrong {
            throw EncodedIDs.damaged(prefix, "for row \(rows[wrong]) the id of another row")
        }
    }

    /// Gives rows these ids, checked before; rows beyond the last are added.
    func place(_ encoded: EncodedIDs, at rows: [Int32]) {
        // An id may have gone from one of these rows to another: first all go, then all come.
        encoded.forEach { id, place in
            let row = rows[place]
            if row >= count { appendFreeRow() }
            if !isFree(row), id.isEmpty || !isEqual(row, id) { remove(row) }
        }
        encoded.forEach { id, place in
            guard isFree(rows[place]), !id.isEmpty else { return }
            insert(id, hash: hash(id), at: rows[place])
        }
    }
}
