/// Rows of text in columns, the first row being the heading.
struct TextTable {
    private var rows: [[String]]

    init(_ heading: [String], _ rows: [[String]] = []) { self.rows = [heading] + rows }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The rows with columns padded to the widest cell.
    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ")
        }
    }
}
