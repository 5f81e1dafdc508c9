import Learning

/// One number for each row, or `width` of them.
struct PlainColumn<Element: TensorElement>: StateColumn {
    let name: String
    let storage: Column<Element>
    /// Numbers per row; nil for one in a tensor of shape [rows].
    let width: Int?
    /// What a free row holds.
    let empty: Element
    /// Finds a number that may not be there; nil where any may.
    let firstWrong: (([Element], TableSizes) -> Element?)?

    init(
        _ name: String,
        _ storage: Column<Element>,
        width: Int? = nil,
        empty: Element,
        firstWrong: (([Element], TableSizes) -> Element?)? = nil
    ) {
        self.name = name
        self.storage = storage
        self.width = width
        self.empty = empty
        self.firstWrong = firstWrong
    }

    var layout: StateLayout.Column { .dense(name) }

    func byteCount(of row: Int32) -> Int { (width ?? 1) * MemoryLayout<Element>.stride }

    func encode(_ rows: RowSelection, into tensors: inout NamedTensors) {
        let rowByteCount = byteCount(of: 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: rows.count * rowByteCount) {
            target,
            initializedCount in
            guard let start = UnsafeMutableRawBufferPointer(target).baseAddress else { return }
            rows.forEachRun { rows, place in
                (start + place * rowByteCount).copyMemory(
                    from: storage.base + rows.lowerBound * (width ?? 1),
                    byteCount: rows.count * rowByteCount
                )
            }
            initializedCount = rows.count * rowByteCount
        }
        tensors[name] = Tensor(
            elementType: Element.elementType,
            shape: [rows.count] + (width.map { [$0] } ?? []),
            bytes: bytes
        )
    }

    func stage(
        _ rows: RowSelection,
        from source: any TensorSource,
        sizes: TableSizes
    ) throws(LearningError) -> Placement {
        let shape = [rows.count] + (width.map { [$0] } ?? [])
        let values: [Element] = try source.values(name, shape: shape)
        if let wrong = firstWrong?(values, sizes) {
            throw LearningError(
                .tensor,
                "tensor \"\(name)\" holds \(wrong), which is out of range",
                remedy: "the file is damaged; use another version"
            )
        }
        return { [storage, width = width ?? 1] in
            storage.extend(to: rows.end * width)
            values.withUnsafeBufferPointer { values in
                guard let start = values.baseAddress else { return }
                rows.forEachRun { rows, place in
                    (storage.base + rows.lowerBound * width)
                        .update(from: start + place * width, count: rows.count * width)
                }
            }
        }
    }
}

// Checked here, where the type is known: generic comparisons take ten times as long.
extension PlainColumn where Element == Int64 {
    /// Numbers of events: not negative, and far enough from the largest integer to be added to.
    static func counts(_ name: String, _ storage: Column<Int64>) -> Self {
        Self(name, storage, empty: 0) { values, _ in
            values.first { $0 < 0 || $0 > NamedTensors.maximumCount }
        }
    }
}

extension PlainColumn where Element == Int32 {
    /// Rows of another table, -1 where there is none.
    static func rows(
        _ name: String,
        _ storage: Column<Int32>,
        width: Int,
        of table: String
    ) -> Self {
        Self(name, storage, width: width, empty: -1) { values, sizes in
            let count = sizes[table, default: 0]
            return values.first { $0 < -1 || $0 >= count }
        }
    }
}

/// A row of a matrix for each row.
struct MatrixColumn: StateColumn {
    let name: String
    let matrix: RowMatrix
    /// What fills the matrix beyond its width.
    let padding: Float
    /// Memory for the next copy.
    private let memory = WarmMemory()

    init(_ name: String, _ matrix: RowMatrix, padding: Float = 0) {
        self.name = name
        self.matrix = matrix
        self.padding = padding
    }

    var layout: StateLayout.Column { .dense(name) }

    func byteCount(of row: Int32) -> Int { matrix.width * MemoryLayout<Float>.stride }

    func encode(_ rows: RowSelection, into tensors: inout NamedTensors) {
        tensors[name] = matrix.tensor(rows, in: memory)
    }

    func prepareCopy(rowCount: Int) -> (@Sendable () -> Void)? {
        let byteCount = rowCount * byteCount(of: 0)
        guard byteCount >= WarmMemory.leastByteCount else { return nil }
        return { [memory] in memory.prepare(byteCount: byteCount) }
    }

    func stage(
        _ rows: RowSelection,
        from source: any TensorSource,
        sizes: TableSizes
    ) throws(LearningError) -> Placement {
        try source.shape(of: name, .float32, expected: [rows.count, matrix.width])
        // Read where it belongs: a copy would be as large as what it is for.
        return { () throws(LearningError) in
            let rowByteCount = byteCount(of: 0)
            var reader = TensorReader(source, name, byteCount: rows.count * rowByteCount)
            matrix.extend(to: rows.end, padding: padding)
            try rows.forEachRun { (rows, place) throws(LearningError) in
                try matrix.forEachBlock(of: rows) { (block, first, count) throws(LearningError) in
                    let offset = (place + first - rows.lowerBound) * rowByteCount
                    let target = UnsafeMutableRawBufferPointer(
                        start: block,
                        count: count * rowByteCount
                    )
                    try reader.read(at: offset, into: target)
                }
            }
        }
    }
}

/// The id of each row.
struct IDColumn: StateColumn {
    let prefix: String
    let ids: IDTable
    /// The name of their table.
    let table: String

    init(_ prefix: String, _ ids: IDTable, of table: String) {
        self.prefix = prefix
        self.ids = ids
        self.table = table
    }

    var layout: StateLayout.Column {
        .list(values: prefix + "bytes", lengths: prefix + "lengths")
    }

    func byteCount(of row: Int32) -> Int { ids[row].count + MemoryLayout<Int32>.size }

    func encode(_ rows: RowSelection, into tensors: inout NamedTensors) {
        EncodedIDs(rows, of: ids).encode(into: &tensors, prefix: prefix)
    }

    func stage(
        _ rows: RowSelection,
        from source: any TensorSource,
        sizes: TableSizes
    ) throws(LearningError) -> Placement {
        let encoded = try EncodedIDs(
            source,
            prefix: prefix,
            count: rows.count,
            allowsFree: true
        )
        switch rows {
        case .all: return { () throws(LearningError) in try ids.fill(encoded, prefix: prefix) }
        case .some(let rows):
            try ids.check(encoded, of: rows, size: sizes[table, default: 0], prefix: prefix)
            return { ids.place(encoded, at: rows) }
        }
    }
}

/// A list of rows of another table for each row, each at most once.
struct ListColumn: StateColumn {
    let prefix: String
    let lists: SeenLists
    /// The table whose rows are in the lists.
    let listed: String

    init(_ prefix: String, _ lists: SeenLists, of listed: String) {
        self.prefix = prefix
        self.lists = lists
        self.listed = listed
    }

    var layout: StateLayout.Column {
        .list(values: prefix + "items", lengths: prefix + "counts")
    }

    func byteCount(of row: Int32) -> Int { (1 + lists[row].count) * MemoryLayout<Int32>.size }

    func encode(_ rows: RowSelection, into tensors: inout NamedTensors) {
        var counts: [Int32] = []
        counts.reserveCapacity(rows.count)
        rows.forEachRun { rows, _ in
            for row in rows { counts.append(Int32(lists[Int32(row)].count)) }
        }
        let total = counts.reduce(0) { $0 + Int($1) }
        let items = Column<Int32>(capacity: max(total, 1))
        rows.forEachRun { rows, _ in
            for row in rows { items.append(lists[Int32(row)]) }
        }
        tensors[prefix + "counts"] = Tensor(counts)
        tensors[prefix + "items"] = items.tensor()
    }

    func stage(
        _ rows: RowSelection,
        from source: any TensorSource,
        sizes: TableSizes
    ) throws(LearningError) -> Placement {
        let counts: [Int32] = try source.values(prefix + "counts", shape: [rows.count])
        let items: [Int32] = try source.values(prefix + "items", shape: [-1])
        guard Self.isValid(counts, items, limit: sizes[listed, default: 0]) else {
            throw LearningError(
                .tensor,
                "tensors \"\(prefix)…\" hold lists that do not fit "
                    + "\(sizes[listed, default: 0]) items",
                remedy: "the file is damaged; use another version"
            )
        }
        return { [lists] in
            items.withUnsafeBufferPointer { items in
                var next = 0
                rows.forEachRun { rows, place in
                    for (offset, row) in rows.enumerated() {
                        let count = Int(counts[place + offset])
                        let list = UnsafeBufferPointer(rebasing: items[next..<(next + count)])
                        lists.set(row, to: list)
                        next += count
                    }
                }
            }
        }
    }

    /// Whether the lists are as long as there are items, and each names rows below `limit` once.
    private static func isValid(_ counts: [Int32], _ items: [Int32], limit: Int) -> Bool {
        guard counts.allSatisfy({ $0 >= 0 }),
            counts.reduce(0, { $0 + Int($1) }) == items.count
        else { return false }
        // For each item the last list that has named it.
        var lastList = [Int32](repeating: -1, count: limit)
        var next = 0
        for (list, count) in counts.enumerated() {
            for item in items[next..<(next + Int(count))] {
                guard item >= 0, item < limit, lastList[Int(item)] != list else { return false }
                lastList[Int(item)] = Int32(list)
            }
            next += Int(count)
        }
        return true
    }
}
