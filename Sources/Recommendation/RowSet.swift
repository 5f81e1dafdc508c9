/// A set of rows that gives them back in ascending order: what changed since the last update.
///
/// One bit per row. Owned by one thread, with the object that holds it.
final class RowSet {
    private let words = Column<UInt64>()
    private(set) var isEmpty = true

    init() {}

    convenience init(_ rows: [Int32]) {
        self.init()
        for row in rows { insert(row) }
    }

    /// Adds a row.
    func insert(_ row: Int32) {
        let word = Int(row) >> 6
        if word >= words.count {
            words.append(repeating: 0, count: word + 1 - words.count)
        }
        words.base[word] |= 1 << UInt64(row & 63)
        isEmpty = false
    }

    /// Whether the row is in the set.
    func contains(_ row: Int32) -> Bool {
        let word = Int(row) >> 6
        return word < words.count && words.base[word] >> UInt64(row & 63) & 1 == 1
    }

    /// Removes a row.
    func remove(_ row: Int32) {
        let word = Int(row) >> 6
        if word < words.count { words.base[word] &= ~(1 << UInt64(row & 63)) }
    }

    /// Removes all rows and returns them in ascending order.
    func takeAll() -> [Int32] {
        guard !isEmpty else { return [] }
        var rows: [Int32] = []
        for index in 0..<words.count {
            var word = words.base[index]
            while word != 0 {
                rows.append(Int32(index << 6 | word.trailingZeroBitCount))
                word &= word - 1
            }
            words.base[index] = 0
        }
        isEmpty = true
        return rows
    }
}
