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

    /// Number of rows.
    var count: Int { words.buffer.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The first row of the set from `start` on; nil when there is none.
    func next(from start: Int) -> Int32? {
        var index = start >> 6
        guard index < words.count else { return nil }
        var word = words.base[index] & (~0 << UInt64(start & 63))
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words.base[index]
        }
        return Int32(index << 6 | word.trailingZeroBitCount)
    }

    /// Adds all rows of another set.
    func formUnion(_ other: RowSet) {
        guard !other.isEmpty else { return }
        if words.count < other.words.count {
            words.append(repeating: 0, count: other.words.count - words.count)
        }
        for index in 0..<other.words.count { words.base[index] |= other.words.base[index] }
        isEmpty = false
    }

    /// Removes the rows from `row` on.
    func remove(from row: Int) {
        guard row >> 6 < words.count else { return }
        words.base[row >> 6] &= (1 << UInt64(row & 63)) - 1
        for word in ((row >> 6) + 1)..<max(words.count, (row >> 6) + 1) { words.base[word] = 0 }
    }

    /// Puts another row in the place of one, if that is in the set.
    func move(_ row: Int32, to target: Int32) {
        guard contains(row) else { return }
        remove(row)
        insert(target)
    }

    /// Removes all rows.
    func removeAll() {
        words.base.update(repeating: 0, count: words.count)
        isEmpty = true
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
