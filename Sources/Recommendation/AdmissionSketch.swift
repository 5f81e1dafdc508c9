import CKernels

/// Counts how often ids came that have no row yet, in memory that does not grow: an id gets a row
/// when it has come often enough.
///
/// A count-min sketch (Cormode, Muthukrishnan, 2005) with conservative update (Estan, Varghese,
/// 2002): an id has one counter in each of four lines, its count is the smallest of them, and only
/// counters that are smaller than the new count are raised. Counts are never too low between two
/// halvings; they are too high only where all four counters are shared. After every quarter of a
/// line's length in additions all counters are halved, so that rare ids do not add up over months
/// (TinyLFU: Einziger, Friedman, Manes, 2017). Owned by the learner's thread.
struct AdmissionSketch {
    static let depth = 4
    /// Counters stop here.
    static let maximum = 255

    /// Counters per line, a power of two.
    let width: Int
    /// [depth×width].
    private(set) var counters: [UInt8]
    /// Additions since the last halving.
    private(set) var additions: Int64

    /// A sketch of counters that are all 0.
    init(width: Int) {
        precondition(width > 0 && width & (width - 1) == 0)
        self.width = width
        counters = [UInt8](repeating: 0, count: Self.depth * width)
        additions = 0
    }

    /// What `counters` and `additions` were.
    init(counters: [UInt8], additions: Int64) {
        self.init(width: counters.count / Self.depth)
        self.counters = counters
        self.additions = additions
    }

    /// Additions from one halving to the next.
    var period: Int64 { Int64(max(width / 4, 1)) }

    /// Counts an id once more; returns its count.
    mutating func add(_ hash: UInt64) -> Int {
        if additions >= period {
            for index in counters.indices { counters[index] >>= 1 }
            additions = 0
        }
        additions += 1
        var smallest = UInt8.max
        for line in 0..<Self.depth { smallest = min(smallest, counters[place(hash, line)]) }
        guard smallest < UInt8.max else { return Self.maximum }
        for line in 0..<Self.depth {
            let place = place(hash, line)
            counters[place] = max(counters[place], smallest + 1)
        }
        return Int(smallest) + 1
    }

    /// Where an id's counter is in a line.
    private func place(_ hash: UInt64, _ line: Int) -> Int {
        let mixed = ck_mix(hash ^ UInt64(line), 0x9E37_79B9_7F4A_7C15 &+ UInt64(2 * line))
        return line * width + (Int(truncatingIfNeeded: mixed) & (width - 1))
    }
}
