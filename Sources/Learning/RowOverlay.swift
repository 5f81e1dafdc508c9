/// The rows of a table, each taken from the base or from the increment that is put on it.
struct RowOverlay {
    /// Rows that follow one another in the base or in the increment.
    struct Run {
        var isBase: Bool
        var start: Int
        var count: Int
    }

    let runs: [Run]
    let baseCount: Int
    let incrementCount: Int
    /// Number of rows of both together.
    let count: Int

    /// Throws unless the increment's rows ascend, and extend the base's without a hole.
    init(
        _ table: StateLayout.Table,
        base: (any TensorSource)?,
        increment: NamedTensors
    ) throws(LearningError) {
        baseCount = try base?.rowCount(of: table) ?? 0
        let expected: [Int64] = try increment.values(table.baseCountName, shape: [1])
        guard expected == [Int64(baseCount)] else {
            throw .wrongBase(table.name, expected, [Int64(baseCount)])
        }
        let (rows, size) = try increment.changedRows(of: table, oldCount: baseCount)
        incrementCount = rows.count
        count = size
        var runs: [Run] = []
        var next = 0
        for (index, row) in rows.enumerated() {
            if Int(row) > next {
                runs.append(Run(isBase: true, start: next, count: Int(row) - next))
            }
            if let last = runs.last, !last.isBase {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(Run(isBase: false, start: index, count: 1))
            }
            next = Int(row) + 1
        }
        if next < size { runs.append(Run(isBase: true, start: next, count: size - next)) }
        self.runs = runs
    }

    /// The tensors of a column of both together.
    func tensors(
        of column: StateLayout.Column,
        base: (any TensorSource)?,
        increment: NamedTensors
    ) throws(LearningError) -> [OverlaidTensor] {
        let perRow = try dense(column.perRow, base: base, increment: increment)
        guard case .list(let values, let lengths) = column else { return [perRow] }
        let elementType = try increment.type(of: values).elementType
        let width = elementType.byteCount
        let ofIncrement = try increment.listStarts(lengths, values, elementType, incrementCount)
        let ofBase =
            try base?.listStarts(lengths, values, elementType, baseCount) ?? ListStarts([])
        var byteCount = 0
        var ranges: [OverlaidTensor.Piece] = []
        ranges.reserveCapacity(runs.count)
        for run in runs {
            let starts = run.isBase ? ofBase : ofIncrement
            let elements = starts.elements(of: run.start..<(run.start + run.count))
            let range = (elements.lowerBound * width)..<(elements.upperBound * width)
            ranges.append(OverlaidTensor.Piece(isBase: run.isBase, range: range))
            byteCount += range.count
        }
        return [
            perRow,
            OverlaidTensor(
                name: values,
                elementType: elementType,
                shape: [byteCount / width],
                increment: increment[values]?.bytes ?? [],
                baseByteCount: ofBase.total * width,
                pieces: ranges
            ),
        ]
    }

    private func dense(
        _ name: String,
        base: (any TensorSource)?,
        increment: NamedTensors
    ) throws(LearningError) -> OverlaidTensor {
        let (elementType, shape) = try increment.type(of: name)
        let extents = Array(shape.dropFirst())
        try increment.shape(of: name, elementType, expected: [incrementCount] + extents)
        try base?.shape(of: name, elementType, expected: [baseCount] + extents)
        let width = extents.reduce(elementType.byteCount, *)
        return OverlaidTensor(
            name: name,
            elementType: elementType,
            shape: [count] + extents,
            increment: increment[name]?.bytes ?? [],
            baseByteCount: baseCount * width,
            pieces: runs.map { run in
                let range = (run.start * width)..<((run.start + run.count) * width)
                return OverlaidTensor.Piece(isBase: run.isBase, range: range)
            }
        )
    }
}

/// A tensor made of pieces of the base's and of the increment's.
struct OverlaidTensor {
    struct Piece {
        var isBase: Bool
        var range: Range<Int>
    }

    var name: String
    var elementType: Tensor.ElementType
    var shape: [Int]
    var increment: [UInt8]
    var baseByteCount: Int
    var pieces: [Piece]
}

extension OverlaidTensor {
    /// A tensor that the increment replaces.
    init(whole name: String, _ tensor: Tensor) {
        self.init(
            name: name,
            elementType: tensor.elementType,
            shape: tensor.shape,
            increment: tensor.bytes,
            baseByteCount: 0,
            pieces: [Piece(isBase: false, range: 0..<tensor.bytes.count)]
        )
    }
}

/// Reads an overlaid tensor from front to back.
struct OverlayReader: ~Copyable {
    private let tensor: OverlaidTensor
    private var base: TensorReader
    private var next = 0
    private var rest = 0..<0

    init(_ tensor: OverlaidTensor, base: any TensorSource) {
        self.tensor = tensor
        self.base = TensorReader(base, tensor.name, byteCount: tensor.baseByteCount)
    }

    /// Fills `target` as far as there are bytes left, and returns how many; 0 at the end.
    mutating func read(into target: UnsafeMutableRawBufferPointer) throws(LearningError) -> Int {
        var filled = 0
        while filled < target.count {
            if rest.isEmpty {
                guard next < tensor.pieces.count else { break }
                rest = tensor.pieces[next].range
                next += 1
            }
            let count = min(rest.count, target.count - filled)
            let part = UnsafeMutableRawBufferPointer(rebasing: target[filled..<(filled + count)])
            if tensor.pieces[next - 1].isBase {
                try base.read(at: rest.lowerBound, into: part)
            } else {
                part.copyBytes(from: tensor.increment[rest.prefix(count)])
            }
            rest = rest.dropFirst(count)
            filled += count
        }
        return filled
    }
}

extension TensorSource {
    /// Number of rows of a table in a whole state.
    public func rowCount(of table: StateLayout.Table) throws(LearningError) -> Int {
        let name = table.columns[0].perRow
        guard let count = try type(of: name).shape.first else {
            throw LearningError(
                .tensor,
                "tensor \"\(name)\" is a single number, expected one row or more",
                remedy: "the file was not written by this learner; use another version"
            )
        }
        return count
    }

    /// The rows that an increment holds of a table of `oldCount` rows, and how many rows there are
    /// after it.
    ///
    /// They must ascend, so that each stands once, and extend the table without a hole.
    public func changedRows(
        of table: StateLayout.Table,
        oldCount: Int
    ) throws(LearningError) -> (rows: [Int32], size: Int) {
        let rows: [Int32] = try values(table.rowsName, shape: [-1])
        var previous: Int32 = -1
        for row in rows {
            guard row > previous, Int(row) <= max(Int(previous) + 1, oldCount) else {
                throw LearningError(
                    .tensor,
                    "tensor \"\(table.rowsName)\" holds row \(row) after \(previous); "
                        + "the table has \(oldCount)",
                    remedy: "the increment is damaged; use another version"
                )
            }
            previous = row
        }
        let size: [Int64] = try values(table.sizeName, shape: [1])
        let isGrown = Int(previous) >= oldCount
        guard size[0] > previous, size[0] >= 0, size[0] <= oldCount || isGrown,
            !isGrown || size[0] == previous + 1
        else {
            throw LearningError(
                .tensor,
                "tensor \"\(table.sizeName)\" holds \(size[0]); the table has \(oldCount) rows, "
                    + "the last one in the increment is \(previous)",
                remedy: "the increment is damaged; use another version"
            )
        }
        return (rows, Int(size[0]))
    }

    /// Where lists begin whose lengths must fit their elements.
    fileprivate func listStarts(
        _ lengths: String,
        _ values: String,
        _ elementType: Tensor.ElementType,
        _ count: Int
    ) throws(LearningError) -> ListStarts {
        let numbers: [Int32] = try self.values(lengths, shape: [count])
        let total = try shape(of: values, elementType, expected: [-1])[0]
        let starts = ListStarts(numbers)
        guard numbers.allSatisfy({ $0 >= 0 }), starts.total == total else {
            throw LearningError(
                .tensor,
                "tensor \"\(values)\" has \(total) elements, "
                    + "\"\(lengths)\" adds up to \(starts.total)",
                remedy: "the file is damaged; use another version"
            )
        }
        return starts
    }
}
