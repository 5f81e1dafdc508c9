/// Increments put together, as one increment or, with what they are put on, as the whole state.
///
/// Of a row that several hold, and of whole tensors, the last one counts. The result is only ever
/// written, piece by piece: in memory are eight bytes for each row of a table, and a window on each
/// source that is being read.
public struct StateMerge {
    /// A tensor of the result, and what it is made of.
    struct MergedTensor {
        enum Content {
            /// All that the source of that number has.
            case copy(source: Int)
            /// Rows of so many bytes.
            case rows(MergedRows, byteCount: Int)
            /// The elements, of so many bytes, of lists of these lengths.
            case lists(MergedRows, lengths: String, byteCount: Int)
        }

        var entry: Safetensors.Entry
        var content: Content
    }

    /// Whatever is read, and last what says which rows the result has.
    private(set) var sources: [any TensorSource]
    private(set) var tensors: [String: MergedTensor] = [:]

    /// Puts increments together as one, which is put on what the first of them is put on.
    ///
    /// Every one but the last may be a part, without whole tensors. Throws when one does not follow
    /// the one before it.
    public init(
        of increments: [any TensorSource],
        layout: StateLayout
    ) throws(LearningError) {
        try self.init(increments, hasBase: false, isWhole: false, layout)
    }

    /// Puts increments on a whole state, or, without one, on nothing.
    ///
    /// The result has the bytes of `Safetensors.encode` of the whole state. Throws when an
    /// increment does not belong there.
    public init(
        of increments: [any TensorSource],
        onto base: (any TensorSource)?,
        layout: StateLayout
    ) throws(LearningError) {
        let sources = (base.map { [$0] } ?? []) + increments
        try self.init(sources, hasBase: base != nil, isWhole: true, layout)
    }

    private init(
        _ sources: [any TensorSource],
        hasBase: Bool,
        isWhole: Bool,
        _ layout: StateLayout
    ) throws(LearningError) {
        self.sources = sources
        guard let last = sources.last else { return }
        // What says of an increment which rows it has is a source like the others.
        var rowTensors = NamedTensors()
        var named: Set<String> = []
        for table in layout.tables {
            let rows = try MergedRows(table, of: sources, hasBase: hasBase, isWhole: isWhole)
            for column in table.columns {
                try add(column, rows)
                named.formUnion(column.names)
            }
            named.formUnion([table.rowsName, table.sizeName])
            if !isWhole { rowTensors[table.rowsName] = Tensor(rows.rows) }
            if !isWhole { try copy(table.sizeName, from: sources.count - 1) }
        }
        for name in last.names where !named.contains(name) {
            guard name.hasPrefix(Increment.basePrefix) else {
                try copy(name, from: sources.count - 1)
                continue
            }
            try checkBase(name, layout, hasBase: hasBase)
            if !isWhole, let first = sources.firstIndex(where: { $0.contains(name) }) {
                try copy(name, from: first)
            }
        }
        self.sources.append(rowTensors)
        for name in rowTensors.names { try copy(name, from: sources.count) }
    }

    /// Bytes of all tensors of the result.
    public var byteCount: Int { tensors.values.reduce(0) { $0 + $1.entry.byteCount } }

    private mutating func copy(_ name: String, from source: Int) throws(LearningError) {
        let (elementType, shape) = try sources[source].type(of: name)
        tensors[name] = MergedTensor(
            entry: Safetensors.Entry(name, elementType, shape: shape),
            content: .copy(source: source)
        )
    }

    private mutating func add(
        _ column: StateLayout.Column,
        _ rows: MergedRows
    ) throws(LearningError) {
        let name = column.perRow
        // The last one has every column, even when it has no rows.
        let (elementType, shape) = try sources[sources.count - 1].type(of: name)
        let extents = Array(shape.dropFirst())
        for source in sources.indices
        where rows.takenCounts[source] > 0 || source == sources.count - 1 {
            let expected = [rows.sourceCounts[source]] + extents
            try sources[source].shape(of: name, elementType, expected: expected)
        }
        // Extents of no rows may be any.
        let byteCount = rows.count == 0 ? 0 : extents.reduce(elementType.byteCount, *)
        tensors[name] = MergedTensor(
            entry: Safetensors.Entry(name, elementType, shape: [rows.count] + extents),
            content: .rows(rows, byteCount: byteCount)
        )
        guard case .list(let values, let lengths) = column else { return }
        let valueType = try sources[sources.count - 1].type(of: values).elementType
        let width = valueType.byteCount
        let content = MergedTensor.Content.lists(rows, lengths: lengths, byteCount: width)
        var merged = MergedTensor(
            entry: Safetensors.Entry(values, valueType, shape: [0]),
            content: content
        )
        var pieces = try MergedPieces(merged, of: sources)
        var total = 0
        while let piece = try pieces.next() { total += piece.range.count }
        merged.entry.shape = [total / width]
        tensors[values] = merged
    }

    /// Throws unless each increment is put on what `base/NAME` says, as far as what is before it is
    /// here.
    private func checkBase(
        _ name: String,
        _ layout: StateLayout,
        hasBase: Bool
    ) throws(LearningError) {
        // Those of tables are numbers of rows, and have been checked.
        guard !layout.tables.contains(where: { $0.baseCountName == name }) else { return }
        let stateName = String(name.dropFirst(Increment.basePrefix.utf8.count))
        var known: (any TensorSource)?
        for source in sources where source.contains(stateName) {
            if let known, source.contains(name) { try source.requireBase(name, in: known) }
            known = source
        }
    }
}

extension StateMerge {
    /// Writes the result as a safetensors file, piece by piece.
    ///
    /// `unreadable` says what to throw when a source cannot be read; a part has been written then.
    public func write<Failure: Error>(
        metadata: [(String, String)] = [],
        unreadable: (LearningError) -> Failure,
        to write: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var entries = tensors.values.map(\.entry)
        let header = Safetensors.arrange(&entries, metadata: metadata)
        try header.withUnsafeBufferPointer { header throws(Failure) in
            try write(UnsafeRawBufferPointer(header))
        }
        for entry in entries {
            guard let tensor = tensors[entry.name] else { continue }
            var reader: MergedTensorReader
            do throws(LearningError) {
                reader = try MergedTensorReader(tensor, of: sources)
            } catch {
                throw unreadable(error)
            }
            while true {
                let count: Int
                do throws(LearningError) {
                    count = try reader.read(into: buffer)
                } catch {
                    throw unreadable(error)
                }
                guard count > 0 else { break }
                try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }
}
