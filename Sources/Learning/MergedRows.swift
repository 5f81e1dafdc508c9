/// Where each row of a merged table comes from: the last source that has it.
struct MergedRows {
    /// Rows that follow one another in the result and in a source.
    struct Run {
        var source: Int
        var rows: Range<Int>
    }

    private struct Origin: BitwiseCopyable {
        static let none: Int32 = -1
        var source: Int32
        var index: Int32
    }

    /// For each row of the table its source and its place there.
    private var origins: [Origin]
    /// Rows that each source has, whether or not a later one has them too.
    private(set) var sourceCounts: [Int]
    /// Rows that come from each source.
    private(set) var takenCounts: [Int]

    /// Throws unless rows ascend in each increment, and each increment belongs on what is before it.
    ///
    /// Source 0 is the base, if there is one. `isWhole`: the result is to be all of the table.
    init(
        _ table: StateLayout.Table,
        of sources: [any TensorSource],
        hasBase: Bool,
        isWhole: Bool
    ) throws(LearningError) {
        sourceCounts = [Int](repeating: 0, count: sources.count)
        takenCounts = sourceCounts
        origins = []
        if hasBase { sourceCounts[0] = try sources[0].rowCount(of: table) }
        let limit = try Self.limit(table, of: sources, baseCount: hasBase ? sourceCounts[0] : nil)
        // Address space only, as far as it is not used: no copy when it grows.
        if hasBase { origins.reserveCapacity(limit) }
        for index in 0..<sourceCounts[0] where hasBase {
            origins.append(Origin(source: 0, index: Int32(index)))
        }
        // How many rows there are so far, where that is known.
        var size = isWhole ? Int64(origins.count) : nil
        for number in (hasBase ? 1 : 0)..<sources.count {
            let increment = sources[number]
            // Parts need not have rows of every table, only the last one must say all.
            let isLast = number == sources.count - 1
            if isLast || increment.contains(table.rowsName) {
                let rows: [Int32] = try increment.values(table.rowsName, shape: [-1])
                try add(rows, below: limit, from: number, of: table)
            }
            guard isLast || increment.contains(table.sizeName) else { continue }
            let base: [Int64] = try increment.values(table.baseCountName, shape: [1])
            if let size, base[0] != size { throw .wrongBase(table.name, base, [size]) }
            let newSize: [Int64] = try increment.values(table.sizeName, shape: [1])
            guard newSize[0] >= 0 else { throw Self.damage(table.sizeName, newSize[0]) }
            if newSize[0] < origins.count { origins.removeSubrange(Int(newSize[0])...) }
            size = newSize[0]
        }
        for (row, origin) in origins.enumerated() {
            if origin.source != Origin.none {
                takenCounts[Int(origin.source)] += 1
            } else if isWhole {
                throw Self.damage(table.rowsName, Int64(row))
            }
        }
        if isWhole, let size, size != origins.count { throw Self.damage(table.sizeName, size) }
    }

    /// More rows than these sources can make: damage must not claim memory.
    private static func limit(
        _ table: StateLayout.Table,
        of sources: [any TensorSource],
        baseCount: Int?
    ) throws(LearningError) -> Int {
        var limit = baseCount ?? 0
        for source in sources where source.contains(table.rowsName) {
            limit += try source.type(of: table.rowsName).shape.first ?? 0
        }
        if baseCount == nil, let first = sources.first(where: { $0.contains(table.baseCountName) })
        {
            let count: [Int64] = try first.values(table.baseCountName, shape: [1])
            limit += Int(min(max(count[0], 0), Int64(Int32.max)))
        }
        return limit
    }

    private mutating func add(
        _ rows: [Int32],
        below limit: Int,
        from source: Int,
        of table: StateLayout.Table
    ) throws(LearningError) {
        sourceCounts[source] = rows.count
        var previous: Int32 = -1
        for (index, row) in rows.enumerated() {
            guard row > previous, row < limit else { throw Self.damage(table.rowsName, Int64(row)) }
            while origins.count <= Int(row) {
                origins.append(Origin(source: Origin.none, index: 0))
            }
            origins[Int(row)] = Origin(source: Int32(source), index: Int32(index))
            previous = row
        }
    }

    private static func damage(_ name: String, _ value: Int64) -> LearningError {
        LearningError(
            .tensor,
            "tensor \"\(name)\" holds \(value), or what it is put on does not reach so far",
            remedy: "the increment is damaged; use another version"
        )
    }

    /// Number of rows of the result.
    var count: Int { takenCounts.reduce(0, +) }

    /// Which rows of the table the result has, ascending.
    var rows: [Int32] {
        origins.indices.filter { origins[$0].source != Origin.none }.map { Int32($0) }
    }

    /// The run that begins at a row of the table or after it, and the row after its end; nil when
    /// there is none.
    func run(from row: Int) -> (run: Run, end: Int)? {
        var start = row
        while start < origins.count, origins[start].source == Origin.none { start += 1 }
        guard start < origins.count else { return nil }
        let first = origins[start]
        var end = start + 1
        while end < origins.count, origins[end].source == first.source,
            Int(origins[end].index) == Int(first.index) + end - start
        { end += 1 }
        let index = Int(first.index)
        return (Run(source: Int(first.source), rows: index..<(index + end - start)), end)
    }
}
