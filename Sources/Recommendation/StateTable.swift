import Learning

/// What is kept for each row of a table, and how it is written and read.
///
/// A new kind of thing to keep is a new conforming type; a new thing is one line where the table
/// is declared.
protocol StateColumn {
    /// Its tensors; those that a scorer needs are named `model.…`.
    var layout: StateLayout.Column { get }

    /// Bytes that the row takes in a checkpoint.
    func byteCount(of row: Int32) -> Int

    /// Bytes that a row takes in memory; 0 where what is kept counts its own.
    var bytesPerRow: Int { get }

    /// Adds a row that holds nothing.
    func appendFreeRow()

    /// Empties a row that is in use.
    func clear(_ row: Int32)

    /// Moves what a row holds to one that is free; the row is free then.
    func move(_ row: Int32, to target: Int32)

    /// Drops the rows from `count` on, which are free.
    func truncate(to count: Int)

    /// Adds the rows to `tensors`.
    func encode(_ rows: RowSelection, into tensors: inout NamedTensors)

    /// What another thread is to do so that so many rows are copied soon; nil when that is not worth
    /// it.
    func prepareCopy(rowCount: Int) -> (@Sendable () -> Void)?

    /// Checks what `source` holds of these rows, and returns what puts them in their places.
    ///
    /// `sizes` are those of all tables once everything is in its place. What is returned throws
    /// only when the source cannot be read on.
    func stage(
        _ rows: RowSelection,
        from source: any TensorSource,
        sizes: TableSizes
    ) throws(LearningError) -> Placement
}

extension StateColumn {
    func prepareCopy(rowCount: Int) -> (@Sendable () -> Void)? { nil }
}

/// Puts rows that have been checked in their places.
typealias Placement = () throws(LearningError) -> Void

/// Number of rows, by name of the table.
typealias TableSizes = [String: Int]

/// Rows that belong to ids, and what is kept for each.
struct StateTable {
    let name: String
    let ids: IDTable
    var columns: [any StateColumn]

    var layout: StateLayout.Table { StateLayout.Table(name, columns: columns.map(\.layout)) }

    /// Bytes that the row takes in a checkpoint.
    func byteCount(of row: Int32) -> Int {
        columns.reduce(MemoryLayout<Int32>.size) { $0 + $1.byteCount(of: row) }
    }

    /// Adds the rows to `tensors`.
    func encode(_ rows: RowSelection, into tensors: inout NamedTensors) {
        if case .some(let rows) = rows { tensors[layout.rowsName] = Tensor(rows) }
        for column in columns { column.encode(rows, into: &tensors) }
    }
}

extension [StateTable] {
    var layout: StateLayout { StateLayout(tables: map(\.layout)) }

    /// Adds all rows to `tensors`.
    func encode(into tensors: inout NamedTensors) {
        for table in self { table.encode(.all(table.ids.count), into: &tensors) }
    }

    /// Fills empty tables from a whole state; when it throws, they are of no use any more.
    func load(from source: any TensorSource) throws(LearningError) {
        var sizes: TableSizes = [:]
        for table in self { sizes[table.name] = try source.rowCount(of: table.layout) }
        for table in self {
            // Column by column, so that little is in memory twice.
            let rows = RowSelection.all(sizes[table.name, default: 0])
            for column in table.columns {
                try column.stage(rows, from: source, sizes: sizes)()
            }
        }
    }

    /// Brings tables and whole tensors up by an increment, once all of it has been checked.
    ///
    /// `whole` are the whole tensors now; `stageWhole` checks new ones, and returns what puts them
    /// in their places.
    func restore(
        _ increment: any TensorSource,
        whole: NamedTensors,
        stageWhole: (any TensorSource) throws(LearningError) -> () -> Void
    ) throws(LearningError) {
        try CheckpointChanges.requireBase(of: increment, in: whole)
        let placeRows = try stage(increment)
        let placeWhole = try stageWhole(increment)
        try placeRows()
        placeWhole()
    }

    /// Checks an increment on these tables, and returns what puts its rows in their places.
    func stage(_ increment: any TensorSource) throws(LearningError) -> Placement {
        var sizes: TableSizes = [:]
        var selections: [RowSelection] = []
        for table in self {
            let (layout, count) = (table.layout, table.ids.count)
            let expected: [Int64] = try increment.values(layout.baseCountName, shape: [1])
            guard expected == [Int64(count)] else {
                throw .wrongBase(table.name, expected, [Int64(count)])
            }
            let (rows, size) = try increment.changedRows(of: layout, oldCount: count)
            selections.append(.some(rows))
            sizes[table.name] = size
        }
        var placements: [Placement] = []
        for (table, rows) in zip(self, selections) {
            for column in table.columns {
                placements.append(try column.stage(rows, from: increment, sizes: sizes))
            }
        }
        return { [sizes] () throws(LearningError) in
            for table in self {
                let size = sizes[table.name, default: 0]
                if size < table.ids.count { table.resize(to: size) }
            }
            for place in placements { try place() }
        }
    }
}
