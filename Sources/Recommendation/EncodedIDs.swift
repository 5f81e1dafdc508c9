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

    /// Reads what `encode` wrote, and checks that each is an id by itself; `count` of them, if it
    /// is given.
    init(
        _ source: any TensorSource,
        prefix: String,
        count: Int? = nil
    ) throws(LearningError) {
        bytes = try source.values(prefix + "bytes", shape: [-1])
        lengths = try source.values(prefix + "lengths", shape: [count ?? -1])
        var total = 0
        for length in lengths {
            guard (1...Int32(InteractionEvents.maximumIDLength)).contains(length) else {
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
        let twice = encoded.firstIndex { id in !insertIfAbsent(id, hash: hash(id)) }
        if let twice {
            throw EncodedIDs.damaged(prefix, "an id twice, the second one at \(twice)")
        }
    }

    /// Throws unless rows of this table have these ids, and further rows have new ones.
    func check(_ encoded: EncodedIDs, of rows: [Int32], prefix: String) throws(LearningError) {
        let others = IDTable(seed: 0)
        let wrong = encoded.firstIndex { id, place in
            guard Int(rows[place]) >= count else { return !isEqual(rows[place], id) }
            return find(id, hash: hash(id)) != Self.absent
                || !others.insertIfAbsent(id, hash: others.hash(id))
        }
        if let wrong {
            throw EncodedIDs.damaged(prefix, "for row \(rows[wrong]) the id of another row")
        }
    }

    /// Adds those ids, checked before, whose rows are new.
    func append(_ encoded: EncodedIDs, of rows: [Int32]) {
        let oldCount = count
        encoded.forEach { id, place in
            if Int(rows[place]) >= oldCount { _ = insert(id, hash: hash(id)) }
        }
    }

    /// Throws unless all ids are new here and different from each other.
    func requireNew(_ encoded: EncodedIDs, prefix: String) throws(LearningError) {
        let rows = (0..<encoded.lengths.count).map { Int32(count + $0) }
        try check(encoded, of: rows, prefix: prefix)
    }
}
