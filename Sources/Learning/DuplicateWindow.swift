/// The identities of the last events that had one, so that a copy of one of them is noticed.
///
/// A ring of `capacity` identities, the oldest of which each new one replaces, and a hash table of
/// their places. Which copies are noticed depends on capacity and the sequence of events only. Its
/// memory grows with what it holds, up to 48 bytes for each of `capacity`.
public struct DuplicateWindow: Sendable {
    /// How many identities it holds at most; 0: none, and no copy is noticed.
    public let capacity: Int
    /// Identities added since the beginning; the next one's place is this modulo `capacity`.
    public private(set) var addedCount: Int64 = 0
    /// Copies noticed since the beginning.
    public private(set) var duplicateCount: Int64 = 0

    private var ring: [EventIdentity] = []
    /// Open addressing with linear probing: 32 bits of the identity above its place in the ring, so
    /// that probing seldom has to look into the ring.
    private var table: [UInt64] = []
    private var mask = 0
    /// `addedCount` at the last checkpoint.
    private var checkpointedCount: Int64 = 0
    /// Places held at the last checkpoint.
    private var checkpointedPlaces = 0

    /// What a place in the table holds that is free.
    private static let free = UInt64.max
    /// More than any window that is of use; places fit into 32 bits.
    public static let maximumCapacity = 100_000_000

    /// An empty window; `capacity` is 0 to `maximumCapacity`.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// Number of identities held.
    public var count: Int { ring.count }

    /// Adds an identity unless it is held; false when it is: the event is a copy.
    public mutating func insert(_ identity: EventIdentity) -> Bool {
        guard capacity > 0, identity != .none else { return true }
        if ring.count < capacity, (ring.count + 1) * 2 > table.count { grow() }
        let bits = Self.bits(of: identity)
        var slot = Int(bits) & mask
        while table[slot] != Self.free {
            let entry = table[slot]
            if entry >> 32 == bits, ring[Self.place(of: entry)] == identity {
                duplicateCount += 1
                return false
            }
            slot = (slot + 1) & mask
        }
        let place = Int(addedCount % Int64(capacity))
        addedCount += 1
        if place == ring.count {
            ring.append(identity)
            table[slot] = bits << 32 | UInt64(place)
        } else {
            remove(ring[place], at: place)
            ring[place] = identity
            enter(identity, at: place)
        }
        return true
    }

    /// Makes the table at least twice as large as the ring and one more.
    private mutating func grow() {
        var size = max(1024, table.count)
        while size < (ring.count + 1) * 2 { size *= 2 }
        table = [UInt64](repeating: Self.free, count: size)
        mask = size - 1
        for (place, identity) in ring.enumerated() { enter(identity, at: place) }
    }

    /// The bits of an identity that the table holds: no table has more than 2³² entries.
    private static func bits(of identity: EventIdentity) -> UInt64 { identity.low & 0xffff_ffff }

    private static func place(of entry: UInt64) -> Int { Int(entry & 0xffff_ffff) }

    private mutating func enter(_ identity: EventIdentity, at place: Int) {
        let bits = Self.bits(of: identity)
        var slot = Int(bits) & mask
        while table[slot] != Self.free { slot = (slot + 1) & mask }
        table[slot] = bits << 32 | UInt64(place)
    }

    /// Takes an identity out of the table, and moves up those that had made way for it.
    private mutating func remove(_ identity: EventIdentity, at place: Int) {
        let bits = Self.bits(of: identity)
        var hole = Int(bits) & mask
        while table[hole] != bits << 32 | UInt64(place) { hole = (hole + 1) & mask }
        var slot = (hole + 1) & mask
        while table[slot] != Self.free {
            let home = Int(table[slot] >> 32) & mask
            // It may move if the hole lies between its home and where it is.
            if (slot - home) & mask >= (slot - hole) & mask {
                table[hole] = table[slot]
                hole = slot
            }
            slot = (slot + 1) & mask
        }
        table[hole] = Self.free
    }
}

// MARK: - Checkpoints

extension DuplicateWindow {
    private static let identitiesName = "trainer.duplicates.identities"
    private static let countsName = "trainer.duplicates.counts"

    /// Where its tensors are tables: a row for each place of the ring.
    public static let table = StateLayout.Table(
        "duplicates",
        columns: [.dense(identitiesName)]
    )

    /// Adds the whole window to a state.
    public func encode(into state: inout NamedTensors) {
        guard capacity > 0 else { return }
        state[Self.identitiesName] = tensor(Array(0..<ring.count))
        state[Self.countsName] = Tensor([Int64(capacity), addedCount, duplicateCount])
    }

    /// Adds what was added since the last checkpoint to the last part of an increment.
    public mutating func takeChanges(into increment: inout NamedTensors) {
        guard capacity > 0 else { return }
        let new = Int(min(addedCount - checkpointedCount, Int64(ring.count)))
        let places = (0..<new).map { Int((addedCount - 1 - Int64($0)) % Int64(capacity)) }.sorted()
        increment[Self.table.rowsName] = Tensor(places.map { Int32($0) })
        increment[Self.table.baseCountName] = Tensor([Int64(checkpointedPlaces)])
        increment[Self.table.sizeName] = Tensor([Int64(ring.count)])
        increment[Self.identitiesName] = tensor(places)
        increment[Self.countsName] = Tensor([Int64(capacity), addedCount, duplicateCount])
        checkpointedCount = addedCount
        checkpointedPlaces = ring.count
    }

    private func tensor(_ places: [Int]) -> Tensor {
        var words: [Int64] = []
        words.reserveCapacity(places.count * 2)
        for place in places {
            words.append(Int64(bitPattern: ring[place].low))
            words.append(Int64(bitPattern: ring[place].high))
        }
        return Tensor(words, shape: [places.count, 2])
    }

    /// The capacity of the window in a state; 0 when it has none.
    public static func capacity(in state: any TensorSource) throws(LearningError) -> Int {
        guard state.contains(countsName) else { return 0 }
        let counts = try state.values(countsName, of: Int64.self, shape: [3])
        guard (1...Int64(maximumCapacity)).contains(counts[0]) else {
            throw damage("\(countsName) holds \(counts)")
        }
        return Int(counts[0])
    }

    /// The window in a whole state; empty when it has none.
    public init(state: any TensorSource) throws(LearningError) {
        self.init(capacity: try Self.capacity(in: state))
        guard capacity > 0 else { return }
        try apply(state, rows: nil)
    }

    /// Brings the window to where it was when an increment was made.
    public mutating func restore(_ increment: any TensorSource) throws(LearningError) {
        let found = try Self.capacity(in: increment)
        guard found == capacity else {
            throw Self.damage("an increment's window holds \(found), the state's \(capacity)")
        }
        guard capacity > 0 else { return }
        let rows = try increment.values(Self.table.rowsName, of: Int32.self, shape: [-1])
        let base = try increment.values(Self.table.baseCountName, of: Int64.self, shape: [1])
        guard base == [Int64(ring.count)] else {
            throw .wrongBase(Self.table.name, base, [Int64(ring.count)])
        }
        let size = try increment.values(Self.table.sizeName, of: Int64.self, shape: [1])
        guard size == [max(base[0], Int64(rows.last ?? -1) + 1)] else {
            throw Self.damage("it has \(size) rows, which its rows do not fit")
        }
        try apply(increment, rows: rows)
    }

    /// Takes over identities (all, or those of some rows) and counts, once they have been checked.
    private mutating func apply(
        _ source: any TensorSource,
        rows: [Int32]?
    ) throws(LearningError) {
        let words = try source.values(Self.identitiesName, of: Int64.self, shape: [-1, 2])
        let counts = try source.values(Self.countsName, of: Int64.self, shape: [3])
        let rows = rows ?? (0..<(words.count / 2)).map { Int32($0) }
        let end = max(ring.count, rows.last.map { Int($0) + 1 } ?? 0)
        guard rows.count * 2 == words.count, rows.first ?? 0 >= 0, end <= capacity,
            zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 }),
            rows.count(where: { $0 >= ring.count }) == end - ring.count,
            counts[1] >= 0, counts[2] >= 0, min(counts[1], Int64(capacity)) == Int64(end)
        else { throw Self.damage("its rows or counts do not fit one another") }
        var new = ring
        new.reserveCapacity(end)
        for (index, row) in rows.enumerated() {
            let identity = EventIdentity(
                low: UInt64(bitPattern: words[index * 2]),
                high: UInt64(bitPattern: words[index * 2 + 1])
            )
            if Int(row) < new.count { new[Int(row)] = identity } else { new.append(identity) }
        }
        ring = new
        (addedCount, duplicateCount) = (counts[1], counts[2])
        (checkpointedCount, checkpointedPlaces) = (addedCount, ring.count)
        grow()
    }

    private static func damage(_ what: String) -> LearningError {
        LearningError(
            .tensor,
            "the window of duplicates is damaged: \(what)",
            remedy: "use another version"
        )
    }

    /// The window that the same events would have left with another capacity, as far as it is known.
    ///
    /// Its next checkpoint must be a whole one.
    public func resized(to newCapacity: Int) -> DuplicateWindow {
        guard newCapacity != capacity else { return self }
        var window = DuplicateWindow(capacity: newCapacity)
        window.duplicateCount = duplicateCount
        guard capacity > 0 else { return window }
        for age in (0..<ring.count).reversed() {
            let place = Int((addedCount - 1 - Int64(age)) % Int64(capacity))
            _ = window.insert(ring[place])
        }
        return window
    }

    /// Takes all there is for added since the last checkpoint, which is put on nothing then.
    public mutating func beginWholeCheckpoint() {
        (checkpointedCount, checkpointedPlaces) = (addedCount - Int64(ring.count), 0)
    }
}
