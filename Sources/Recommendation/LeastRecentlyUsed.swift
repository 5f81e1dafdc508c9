/// Which rows have not been used for the longest time.
enum LeastRecentlyUsed {
    private static let digitBits = 12

    /// The `count` rows with the lowest clocks, of equal ones the lower rows, in ascending order of
    /// rows; rows at clock 0 hold nothing and are left out.
    ///
    /// Selection digit by digit from the top, as radix sort: one pass over the clocks per digit and
    /// no memory but a histogram.
    static func rows(_ clocks: UnsafeBufferPointer<Int64>, count: Int) -> [Int32] {
        var used = 0
        var largest: Int64 = 0
        for clock in clocks where clock > 0 {
            used += 1
            largest = max(largest, clock)
        }
        guard used > count else { return rows(clocks) { $0 > 0 } }
        guard count > 0 else { return [] }
        let bits = Int64.bitWidth - largest.leadingZeroBitCount
        // All but the digits below `shift` of the clock that is searched for.
        var prefix: Int64 = 0
        var wanted = count
        var shift = (bits + digitBits - 1) / digitBits * digitBits
        while shift > 0 {
            let histogram = histogram(of: clocks, under: prefix, shift: shift)
            shift -= digitBits
            var digit = 0
            while histogram[digit] < wanted {
                wanted -= histogram[digit]
                digit += 1
            }
            prefix = prefix << Int64(digitBits) | Int64(digit)
        }
        return rows(clocks) { clock in
            if clock == prefix { wanted -= 1 }
            return clock > 0 && (clock < prefix || (clock == prefix && wanted >= 0))
        }
    }

    /// The rows that were last used at `clock` or before it, in ascending order.
    static func rows(_ clocks: UnsafeBufferPointer<Int64>, upTo clock: Int64) -> [Int32] {
        rows(clocks) { $0 > 0 && $0 <= clock }
    }

    /// How many clocks that begin with `prefix` have each next digit.
    private static func histogram(
        of clocks: UnsafeBufferPointer<Int64>,
        under prefix: Int64,
        shift: Int
    ) -> [Int] {
        var histogram = [Int](repeating: 0, count: 1 << digitBits)
        let mask = Int64(histogram.count - 1)
        for clock in clocks where clock > 0 && clock >> Int64(shift) == prefix {
            histogram[Int(clock >> Int64(shift - digitBits) & mask)] += 1
        }
        return histogram
    }

    private static func rows(
        _ clocks: UnsafeBufferPointer<Int64>,
        where isWanted: (Int64) -> Bool
    ) -> [Int32] {
        var rows: [Int32] = []
        for row in clocks.indices where isWanted(clocks[row]) { rows.append(Int32(row)) }
        return rows
    }
}
