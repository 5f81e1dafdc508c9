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

    /// Adds all lists to `tensors`: lengths by user, then the items of one user after another.
    func encode(into tensors: inout NamedTensors, prefix: String) {
        var counts: [Int32] = []
        counts.reserveCapacity(userCount)
        let items = Column<Int32>(capacity: max(pairCount, 1))
        for user in 0..<Int32(userCount) {
            counts.append(Int32(self[user].count))
            items.append(self[user])
        }
        tensors[prefix + "counts"] = Tensor(counts)
        tensors[prefix + "items"] = items.tensor()
    }

    /// Fills empty lists from what `encode` wrote.
    func decode(
        _ tensors: NamedTensors,
        prefix: String,
        users: Int,
        items itemCount: Int
    ) throws(LearningError) {
        let counts: [Int32] = try tensors.values(prefix + "counts", shape: [users])
        let items: [Int32] = try tensors.values(prefix + "items", shape: [-1])
        let total = counts.reduce(Int64(0)) { $0 + Int64($1) }
        var lastUser = [Int32](repeating: -1, count: itemCount)
        var next = 0
        var isValid = total == items.count && counts.allSatisfy { $0 >= 0 }
        for user in 0..<(isValid ? users : 0) {
            appendUser()
            for _ in 0..<counts[user] where isValid {
                let item = items[next]
                next += 1
                isValid = item >= 0 && item < itemCount && lastUser[Int(item)] != Int32(user)
                guard isValid else { break }
                lastUser[Int(item)] = Int32(user)
                append(Int32(user), item)
            }
        }
        guard isValid else {
            throw LearningError(
                .tensor,
                "tensors \"\(prefix)…\" hold lists that do not fit \(itemCount) items",
                remedy: "the file is damaged; use another version"
            )
        }
    }
}
