import CKernels
import Learning

/// Maps ids, which are bytes, to rows 0, 1, 2…; rows whose ids were removed are used again, the
/// lowest first.
///
/// Open addressing with linear probing: a slot holds 32 bits of the hash and the row + 1, so that a
/// look-up reads the id's bytes only when it has found it. Removal shifts the slots behind it back
/// (Knuth, volume 3, 6.4, algorithm R), so that there are no tombstones. Owned by one thread, with
/// the object that holds it.
final class IDTable {
    /// An id that is not in the table.
    static let absent: Int32 = -1

    /// Where the bytes of a row's id are; a free row has none.
    private struct Place: BitwiseCopyable {
        var block: Int32 = 0
        var length: Int32 = 0

        /// Blocks of 8, 16, 24… bytes.
        var sizeClass: Int { (Int(length) - 1) >> 3 }
    }

    private let seed: UInt64
    private var slots: Column<UInt64>
    private var mask: Int
    private let places = Column<Place>()
    private let ids = BlockPool<UInt8>(
        lengths: (1...InteractionEvents.maximumIDLength / 8).map { $0 * 8 }
    )
    /// Rows without an id.
    let free = FreeRows()

    /// An empty table; `seed` keys the hash, so that ids that collide cannot be made up in advance.
    init(seed: UInt64) {
        self.seed = Self.hashSeed(seed)
        slots = Self.emptySlots(64)
        mask = 63
    }

    /// Number of rows, free ones too.
    var count: Int { places.count }

    /// Number of ids.
    var usedCount: Int { places.count - free.count }

    /// Whether the row has no id.
    func isFree(_ row: Int32) -> Bool { places.base[Int(row)].length == 0 }

    /// The hash of an id under a model's seed.
    static func hash(_ id: UnsafeRawBufferPointer, hashSeed: UInt64) -> UInt64 {
        ck_hash(id.baseAddress, id.count, hashSeed)
    }

    /// The key of the hash, from the seed in the settings.
    static func hashSeed(_ seed: UInt64) -> UInt64 { ck_mix(seed ^ 0x1D5, 0x9E37_79B9_7F4A_7C15) }

    func hash(_ id: UnsafeRawBufferPointer) -> UInt64 { Self.hash(id, hashSeed: seed) }

    /// Asks for the memory that `find` with this hash reads first.
    func prefetch(_ hash: UInt64) { ck_prefetch(slots.base + Int(truncatingIfNeeded: hash) & mask) }

    /// The row of an id, or `absent`.
    func find(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = slots.base[slot]
            if entry == 0 { return Self.absent }
            if entry >> 32 == hash >> 32 {
                let row = Int32(truncatingIfNeeded: entry) - 1
                if isEqual(row, id) { return row }
            }
            slot = (slot + 1) & mask
        }
    }

    /// Adds an id that is absent and returns its row: the lowest free one, or a new one.
    func insert(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
        let row = free.lowest() ?? appendFreeRow()
        insert(id, hash: hash, at: row)
        return row
    }

    /// Adds an id that is absent at a row that is free.
    func insert(_ id: UnsafeRawBufferPointer, hash: UInt64, at row: Int32) {
        precondition((1...InteractionEvents.maximumIDLength).contains(id.count))
        free.remove(row)
        var place = Place(block: 0, length: Int32(id.count))
        place.block = ids.allocate(ofClass: place.sizeClass, owner: row, filledWith: 0)
        UnsafeMutableRawBufferPointer(
            start: ids.block(place.block, ofClass: place.sizeClass),
            count: id.count
        ).copyMemory(from: id)
        places[row] = place
        enter(row: row, hash: hash)
    }

    /// Adds an id unless it is there; returns whether it was absent.
    func insertIfAbsent(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Bool {
        guard find(id, hash: hash) == Self.absent else { return false }
        _ = insert(id, hash: hash)
        return true
    }

    /// Makes room for so many rows at once.
    func reserve(_ rows: Int) { if 2 * rows > mask + 1 { rebuildSlots(rows: rows) } }

    /// Adds a row without an id.
    @discardableResult
    func appendFreeRow() -> Int32 {
        precondition(count < Int(Int32.max) - 1, "more than 2^31 ids")
        if 2 * (count + 1) > mask + 1 { rebuildSlots(rows: count + 1) }
        let row = Int32(count)
        places.append(Place())
        free.insert(row)
        return row
    }

    /// Removes a row's id; the row is free then.
    func remove(_ row: Int32) {
        removeSlot(of: row)
        let place = places[row]
        places[row] = Place()
        release(place)
        free.insert(row)
    }

    /// Moves an id from one row to another, which is free.
    func move(_ row: Int32, to target: Int32) {
        let hash = hash(self[row])
        removeSlot(of: row)
        let place = places[row]
        ids.setOwner(of: place.block, ofClass: place.sizeClass, to: target)
        places[target] = place
        places[row] = Place()
        free.remove(target)
        free.insert(row)
        enter(row: target, hash: hash)
    }

    /// Drops the rows from `newCount` on, which must be free.
    func truncate(to newCount: Int) {
        for row in newCount..<count { free.remove(Int32(row)) }
        places.truncate(to: newCount)
        guard Self.slotCount(rows: newCount) < mask + 1 else { return }
        rebuildSlots(rows: newCount)
    }

    /// The bytes of a row's id, none for a free row; valid until the next change.
    subscript(row: Int32) -> UnsafeRawBufferPointer {
        let place = places[row]
        guard place.length > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(
            start: ids.block(place.block, ofClass: place.sizeClass),
            count: Int(place.length)
        )
    }

    private func release(_ place: Place) {
        if let moved = ids.release(place.block, ofClass: place.sizeClass) {
            places.base[Int(moved)].block = place.block
        }
    }

    /// Whether the row has this id.
    func isEqual(_ row: Int32, _ id: UnsafeRawBufferPointer) -> Bool {
        let place = places[row]
        guard Int(place.length) == id.count, let right = id.baseAddress else { return false }
        return ck_equal(ids.block(place.block, ofClass: place.sizeClass), right, id.count) != 0
    }
}

// MARK: - Slots

extension IDTable {
    /// Slots for so many rows: a power of two, at most half of them used.
    static func slotCount(rows: Int) -> Int {
        var size = 64
        while size < 2 * rows { size *= 2 }
        return size
    }

    private static func emptySlots(_ count: Int) -> Column<UInt64> {
        let slots = Column<UInt64>(capacity: count)
        slots.append(repeating: 0, count: count)
        return slots
    }

    private func enter(row: Int32, hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots.base[slot] != 0 { slot = (slot + 1) & mask }
        slots.base[slot] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(row + 1)
    }

    private func removeSlot(of row: Int32) {
        var hole = Int(truncatingIfNeeded: hash(self[row])) & mask
        while Self.row(slots.base[hole]) != row { hole = (hole + 1) & mask }
        var slot = (hole + 1) & mask
        while slots.base[slot] != 0 {
            let home = Int(truncatingIfNeeded: hash(self[Self.row(slots.base[slot])])) & mask
            // An entry fills the hole when its home does not lie between hole and entry.
            if (slot - home) & mask >= (slot - hole) & mask {
                slots.base[hole] = slots.base[slot]
                hole = slot
            }
            slot = (slot + 1) & mask
        }
        slots.base[hole] = 0
    }

    private static func row(_ entry: UInt64) -> Int32 { Int32(truncatingIfNeeded: entry) - 1 }

    private func rebuildSlots(rows: Int) {
        slots = Self.emptySlots(Self.slotCount(rows: rows))
        mask = slots.count - 1
        for row in 0..<Int32(count) where !isFree(row) { enter(row: row, hash: hash(self[row])) }
    }
}

// MARK: - Memory

extension IDTable {
    /// Bytes of ids and table.
    var byteCount: Int { places.byteCount + slots.byteCount + ids.byteCount }

    /// How many bytes more an id of this length would take.
    func growth(idLength: Int) -> Int {
        var bytes = ids.byteCount(ofClass: (idLength - 1) >> 3)
        if free.count == 0 {
            bytes += MemoryLayout<Place>.stride
            bytes += (Self.slotCount(rows: count + 1) - slots.count) * MemoryLayout<UInt64>.stride
        }
        return bytes
    }
}
