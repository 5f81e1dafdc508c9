import CKernels
import Learning

/// Which items each user has had: a list of item rows per user, in order of first contact.
///
/// Lists are blocks of one pool with capacities that are powers of two; blocks that were outgrown
/// are used again. Membership is a vectorized scan (64 items a few nanoseconds), which beats a hash
/// set up to thousands of items. Owned by one thread, with the object that holds it.
final class SeenLists {
    private struct Block: BitwiseCopyable {
        var start = 0
        var count: Int32 = 0
        var capacityLog2: Int32 = 0
    }

    private let blocks = Column<Block>()
    private let pool = Column<Int32>(capacity: 1024)
    private var free = [[Int]](repeating: [], count: 32)
    /// Number of (user, item) pairs.
    private(set) var pairCount = 0

    /// Number of users.
    var userCount: Int { blocks.count }

    /// Adds a user who has had nothing.
    func appendUser() { blocks.append(Block()) }

    /// The items of a user, valid until the next `append`.
    subscript(user: Int32) -> UnsafeBufferPointer<Int32> {
        let block = blocks[user]
        return UnsafeBufferPointer(start: pool.base + block.start, count: Int(block.count))
    }

    /// Whether the user has had the item.
    func contains(_ user: Int32, _ item: Int32) -> Bool {
        let items = self[user]
        return ck_contains(items.baseAddress, items.count, item) != 0
    }

    /// Notes that the user has had the item, which must not be noted yet.
    func append(_ user: Int32, _ item: Int32) {
        var block = blocks[user]
        if block.count == 0 {
            block.capacityLog2 = 2
            block.start = allocate(log2: 2)
        } else if block.count == Int32(1) << block.capacityLog2 {
            let start = allocate(log2: block.capacityLog2 + 1)
            (pool.base + start).update(from: pool.base + block.start, count: Int(block.count))
            free[Int(block.capacityLog2)].append(block.start)
            block.start = start
            block.capacityLog2 += 1
        }
        pool[block.start + Int(block.count)] = item
        block.count += 1
        blocks[user] = block
        pairCount += 1
    }

    private func allocate(log2: Int32) -> Int {
        if let start = free[Int(log2)].popLast() { return start }
        let start = pool.count
        pool.append(repeating: 0, count: 1 << log2)
        return start
    }

    /// Gives the user this list, checked before; a user one beyond the last is added.
    func set(_ user: Int, to items: UnsafeBufferPointer<Int32>) {
        if user == blocks.count { appendUser() }
        var block = blocks[user]
        pairCount += items.count - Int(block.count)
        let capacityLog2 = Int32(max(items.count, 4) - 1).significantBits
        if items.isEmpty || block.count == 0 || capacityLog2 != block.capacityLog2 {
            if block.count > 0 { free[Int(block.capacityLog2)].append(block.start) }
            block = Block()
            if !items.isEmpty {
                block.capacityLog2 = capacityLog2
                block.start = allocate(log2: capacityLog2)
            }
        }
        block.count = Int32(items.count)
        blocks[user] = block
        guard let source = items.baseAddress else { return }
        (pool.base + block.start).update(from: source, count: items.count)
    }
}

extension Int32 {
    /// Bits up to the highest one that is set.
    fileprivate var significantBits: Int32 { Int32(bitWidth - leadingZeroBitCount) }
}
