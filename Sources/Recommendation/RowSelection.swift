/// Rows of a table, ascending: all of them, or those that changed.
enum RowSelection {
    /// Rows 0, 1, … up to that many.
    case all(Int)
    /// These; each stands once.
    case some([Int32])

    /// Number of rows.
    var count: Int {
        switch self {
        case .all(let count): count
        case .some(let rows): rows.count
        }
    }

    /// One more than the last row; 0 when there is none.
    var end: Int {
        switch self {
        case .all(let count): count
        case .some(let rows): rows.last.map { Int($0) + 1 } ?? 0
        }
    }

    /// Calls `body` with rows that follow one another, and the place of the first among all.
    func forEachRun<Failure: Error>(
        _ body: (_ rows: Range<Int>, _ place: Int) throws(Failure) -> Void
    ) throws(Failure) {
        switch self {
        case .all(let count): if count > 0 { try body(0..<count, 0) }
        case .some(let rows):
            var place = 0
            while place < rows.count {
                let first = Int(rows[place])
                var length = 1
                while place + length < rows.count, Int(rows[place + length]) == first + length {
                    length += 1
                }
                try body(first..<(first + length), place)
                place += length
            }
        }
    }
}
