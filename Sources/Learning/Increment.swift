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
}

extension TensorSource {
    /// Throws unless the state that this increment is put on holds what `base/NAME` says.
    public func requireBase(_ name: String, in base: any TensorSource) throws(LearningError) {
        let stateName = String(name.dropFirst(Increment.basePrefix.utf8.count))
        let found: [Int64] = try base.values(stateName, shape: [-1])
        let expected: [Int64] = try values(name, shape: [found.count])
        guard expected == found else { throw .wrongBase(stateName, expected, found) }
    }

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
}

extension LearningError {
    /// An increment that belongs on another state.
    public static func wrongBase(
        _ name: String,
        _ expected: [Int64],
        _ found: [Int64]
    ) -> LearningError {
        LearningError(
            .tensor,
            "the increment belongs on a state with \(name) \(expected), this one has \(found)",
            remedy: "a version between them is missing or damaged: use another version"
        )
    }
}
