/// Rows of a table that hold nothing; the lowest is used first.
///
/// One bit per row. Owned by one thread, with the table.
final class FreeRows {
    private let words = Column<UInt64>()
    /// No word before this one has a bit.
    private var firstWord = 0
    private(set) var count = 0

    /// Whether the row is free.
    func contains(_ row: Int32) -> Bool {
        let word = Int(row) >> 6
        return word < words.count && words.base[word] >> UInt64(row & 63) & 1 == 1
    }

    /// Adds a row that is not free yet.
    func insert(_ row: Int32) {
        assert(!contains(row))
        let word = Int(row) >> 6
        if word >= words.count { words.append(repeating: 0, count: word + 1 - words.count) }
        words.base[word] |= 1 << UInt64(row & 63)
        firstWord = min(firstWord, word)
        count += 1
    }

    /// Removes a row that is free.
    func remove(_ row: Int32) {
        assert(contains(row))
        words.base[Int(row) >> 6] &= ~(1 << UInt64(row & 63))
        count -= 1
    }

    /// The lowest free row; nil when there is none.
    func lowest() -> Int32? {
        guard count > 0 else { return nil }
        while words.base[firstWord] == 0 { firstWord += 1 }
        return Int32(firstWord << 6 | words.base[firstWord].trailingZeroBitCount)
    }

    /// Calls `body` with each free row of a range, in ascending order.
    func forEach(in rows: Range<Int>, _ body: (Int) -> Void) {
        guard count > 0, !rows.isEmpty else { return }
        let last = min((rows.upperBound - 1) >> 6, words.count - 1)
        for index in stride(from: max(rows.lowerBound >> 6, firstWord), through: last, by: 1) {
            var word = words.base[index]
            while word != 0 {
                let row = index << 6 | word.trailingZeroBitCount
                if rows.contains(row) { body(row) }
                word &= word - 1
            }
        }
    }
}
