/// What changed between two checkpoints: the changed rows of each table, and the whole tensors.
///
/// Tensors have the names they have in the whole state. Besides, `rows/TABLE` says which rows are
/// there; rows from the old count on extend the table. `size/TABLE` says how many rows there are
/// afterwards, which may be fewer than before. `base/TABLE` holds the old count, and
/// `base/NAME` for some whole tensors what tensor NAME held before: so an increment that is put on
/// the wrong state is noticed.
public enum Increment {
    /// How the names of tensors begin that say what an increment is put on.
    public static let basePrefix = "base/"

    /// Puts parts of an increment together; where several hold a row, the last one counts.
    ///
    /// Every part but the last may lack the whole tensors. The result is put on what the first part
    /// that has `base/…` is put on. The parts must come from a learner of that layout.
    public static func merged(
        _ parts: consuming [NamedTensors],
        layout: StateLayout
    ) -> NamedTensors {
        var parts = parts
        guard parts.count > 1 else { return parts.first ?? NamedTensors() }
        var result = NamedTensors()
        // A tensor is dropped as soon as it is merged: at most one is in memory twice.
        func take(_ name: String) -> [Tensor] {
            parts.indices.compactMap { part in
                let tensor = parts[part][name]
                parts[part][name] = nil
                return tensor
            }
        }
        for table in layout.tables {
            let rows = take(table.rowsName)
            guard !rows.isEmpty else { continue }
            // Rows that an early part has may be gone in the end.
            let size = take(table.sizeName).last?.values(of: Int64.self)?.first
            let merge = RowMerge(rows.map { $0.values(of: Int32.self) ?? [] }, below: size)
            if let size { result[table.sizeName] = Tensor([size]) }
            result[table.rowsName] = Tensor(merge.rows)
            for column in table.columns {
                switch column {
                case .dense(let name): result[name] = merge.dense(take(name))
                case .list(let values, let lengths):
                    let merged = merge.lists(values: take(values), lengths: take(lengths))
                    result[lengths] = merged.lengths
                    result[values] = merged.values
                }
            }
        }
        for part in parts {
            for name in part.names where !(name.hasPrefix(basePrefix) && result.contains(name)) {
                result[name] = part[name]
            }
        }
        return result
    }
}

/// Which part each row of a merged increment comes from.
private struct RowMerge {
    /// Rows that follow one another in one part.
    struct Run {
        var part: Int
        var index: Int
        var count: Int
    }

    /// All rows, ascending.
    private(set) var rows: [Int32] = []
    private var runs: [Run] = []

    init(_ parts: [[Int32]], below size: Int64?) {
        let highest = Int(parts.compactMap(\.last).max() ?? -1) + 1
        let end = min(highest, size.map { Int($0) } ?? highest)
        // For each row the last part that has it, -1 for none, and its place there.
        var latest = [(part: Int32, index: Int32)](repeating: (-1, 0), count: end)
        for (part, rows) in parts.enumerated() {
            for (index, row) in rows.enumerated() where Int(row) < end {
                latest[Int(row)] = (Int32(part), Int32(index))
            }
        }
        for (row, source) in latest.enumerated() where source.part >= 0 {
            rows.append(Int32(row))
            let (part, index) = (Int(source.part), Int(source.index))
            if let last = runs.last, last.part == part, last.index + last.count == index {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(Run(part: part, index: index, count: 1))
            }
        }
    }

    func dense(_ parts: [Tensor]) -> Tensor {
        let example = parts[0]
        let extents = Array(example.shape.dropFirst())
        let rowByteCount = extents.reduce(example.elementType.byteCount, *)
        return Tensor(
            elementType: example.elementType,
            shape: [rows.count] + extents,
            bytes: gather(parts, byteCount: rows.count * rowByteCount) { run in
                (run.index * rowByteCount)..<((run.index + run.count) * rowByteCount)
            }
        )
    }

    func lists(values: [Tensor], lengths: [Tensor]) -> (lengths: Tensor, values: Tensor) {
        let merged = dense(lengths)
        let width = values[0].elementType.byteCount
        let starts = lengths.map { ListStarts($0.values() ?? []) }
        let count = (merged.values(of: Int32.self) ?? []).reduce(0) { $0 + Int($1) }
        let bytes = gather(values, byteCount: count * width) { run in
            let range = starts[run.part].elements(of: run.index..<(run.index + run.count))
            return (range.lowerBound * width)..<(range.upperBound * width)
        }
        return (merged, Tensor(elementType: values[0].elementType, shape: [count], bytes: bytes))
    }

    private func gather(
        _ parts: [Tensor],
        byteCount: Int,
        _ range: (Run) -> Range<Int>
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            for run in runs {
                let source = parts[run.part].bytes[range(run)]
                _ = target[count...].update(fromContentsOf: source)
                count += source.count
            }
        }
    }
}

/// Where each of many lists, one after another, begins.
struct ListStarts {
    private var starts: [Int] = [0]

    init(_ lengths: [Int32]) {
        starts.reserveCapacity(lengths.count + 1)
        var next = 0
        for length in lengths {
            next += Int(length)
            starts.append(next)
        }
    }

    /// Number of elements of all lists.
    var total: Int { starts[starts.count - 1] }

    /// The elements of lists that follow one another.
    func elements(of lists: Range<Int>) -> Range<Int> {
        starts[lists.lowerBound]..<starts[lists.upperBound]
    }
}
