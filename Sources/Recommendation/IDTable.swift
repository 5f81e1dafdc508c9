import CKernels
import Learning

/// Maps ids, which are bytes, to rows 0, 1, 2… in order of arrival.
///
/// Open addressing with linear probing: a slot holds 32 bits of the hash and the row + 1, so that a
/// look-up reads the id's bytes only when it has found it. Nothing is ever removed. Owned by one
/// thread, with the object that holds it.
final class IDTable {
    /// An id that is not in the table.
    static let absent: Int32 = -1

    private let seed: UInt64
    private var slots: Column<UInt64>
    private var mask: Int
    // ids.base[starts[row] ..< starts[row + 1]]
    private let ids = Column<UInt8>(capacity: 1024)
    private let starts = Column<Int>([0])

    /// An empty table; `seed` keys the hash, so that ids that collide cannot be made up in advance.
    init(seed: UInt64) {
        self.seed = Self.hashSeed(seed)
        slots = Column(capacity: 64)
        slots.append(repeating: 0, count: 64)
        mask = 63
    }

    /// Number of ids.
    var count: Int { starts.count - 1 }

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

    /// Adds an id that is absent and returns its row.
    func insert(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
        precondition(count < Int(Int32.max) - 1, "more than 2^31 ids")
        if (count + 1) * 2 > mask + 1 { resize(for: count + 1) }
        ids.append(id.assumingMemoryBound(to: UInt8.self))
        starts.append(ids.count)
        place(row: Int32(count - 1), hash: hash)
        return Int32(count - 1)
    }

    /// Adds an id unless it is there; returns whether it was absent.
    func insertIfAbsent(_ id: UnsafeRawBufferPointer, hash: UInt64) -> Bool {
        guard find(id, hash: hash) == Self.absent else { return false }
        _ = insert(id, hash: hash)
        return true
    }

    /// Makes room for so many ids at once.
    func reserve(_ count: Int) { if count * 2 > mask + 1 { resize(for: count) } }

    /// The bytes of a row's id, valid until the next insertion.
    subscript(row: Int32) -> UnsafeRawBufferPointer {
        let start = starts[Int(row)]
        return UnsafeRawBufferPointer(start: ids.base + start, count: starts[Int(row) + 1] - start)
    }

    /// Whether the row has this id.
    func isEqual(_ row: Int32, _ id: UnsafeRawBufferPointer) -> Bool {
        let own = self[row]
        guard own.count == id.count, let left = own.baseAddress, let right = id.baseAddress else {
            return own.count == id.count
        }
        return ck_equal(left, right, own.count) != 0
    }

    private func place(row: Int32, hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots.base[slot] != 0 { slot = (slot + 1) & mask }
        slots.base[slot] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(row + 1)
    }

    /// Gives the table the least power of two of slots of which at most half are taken.
    private func resize(for count: Int) {
        var size = mask + 1
        while size < count * 2 { size *= 2 }
        slots = Column(capacity: size)
        slots.append(repeating: 0, count: size)
        mask = size - 1
        for row in 0..<Int32(self.count) { place(row: row, hash: hash(self[row])) }
    }
}
