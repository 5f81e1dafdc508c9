import CKernels
import Learning

/// Which items each user has had: a list of item rows per user, in order of first contact.
///
/// A list is a block of 4, 8, 16… items, the smallest that holds it. Membership is a vectorized scan
/// (64 items a few nanoseconds), which beats a hash set up to thousands of items. Owned by one
/// thread, with the object that holds it.
final class SeenLists {
    private struct List: BitwiseCopyable {
        var block: Int32 = 0
        var count: Int32 = 0
    }

    private let lists = Column<List>()
    private let pool = BlockPool<Int32>(lengths: (2..<31).map { 1 << $0 })
    /// Number of (user, item) pairs.
    private(set) var pairCount = 0

    /// Number of users.
    var userCount: Int { lists.count }

    /// Adds a user who has had nothing.
    func appendUser() { lists.append(List()) }

    /// The items of a user, valid until the next change.
    subscript(user: Int32) -> UnsafeBufferPointer<Int32> {
        let list = lists[user]
        guard list.count > 0 else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(
            start: pool.block(list.block, ofClass: Self.sizeClass(list.count)),
            count: Int(list.count)
        )
    }

    /// Whether the user has had the item.
    func contains(_ user: Int32, _ item: Int32) -> Bool {
        let items = self[user]
        return ck_contains(items.baseAddress, items.count, item) != 0
    }

    /// Notes that the user has had the item, which must not be noted yet.
    func append(_ user: Int32, _ item: Int32) {
        let count = lists[user].count
        resize(user, to: count + 1)
        pool.block(lists[user].block, ofClass: Self.sizeClass(count + 1))[Int(count)] = item
    }

    /// Gives the user this list, checked before; a user one beyond the last is added.
    func set(_ user: Int, to items: UnsafeBufferPointer<Int32>) {
        if user == lists.count { appendUser() }
        resize(Int32(user), to: Int32(items.count))
        guard let source = items.baseAddress, !items.isEmpty else { return }
        let block = lists[user].block
        pool.block(block, ofClass: Self.sizeClass(Int32(items.count)))
            .update(from: source, count: items.count)
    }

    /// The class of the smallest blocks that hold so many items, of blocks of 4, 8, 16….
    private static func sizeClass(_ count: Int32) -> Int {
        max(0, Int32.bitWidth - (count - 1).leadingZeroBitCount - 2)
    }

    /// Gives a list another length: what is cut off is lost, what is added is for the caller to set.
    private func resize(_ user: Int32, to count: Int32) {
        let old = lists[user]
        pairCount += Int(count - old.count)
        lists[user].count = count
        let sizes = (Self.sizeClass(old.count), Self.sizeClass(count))
        guard old.count == 0 || count == 0 || sizes.0 != sizes.1 else { return }
        if count > 0 {
            let block = pool.allocate(ofClass: sizes.1, owner: user, filledWith: 0)
            lists[user].block = block
            if old.count > 0 {
                pool.block(block, ofClass: sizes.1).update(
                    from: pool.block(old.block, ofClass: sizes.0),
                    count: Int(min(count, old.count))
                )
            }
        }
        if old.count > 0, let moved = pool.release(old.block, ofClass: sizes.0) {
            lists[moved].block = old.block
        }
    }
}

// MARK: - Removal

extension SeenLists {
    /// Empties a user's list.
    func release(_ user: Int32) { resize(user, to: 0) }

    /// Gives items other rows, or takes them out of all lists where the new row is negative.
    ///
    /// What is left keeps its order. `changed` is told whose lists.
    func renumber(_ newRows: UnsafeBufferPointer<Int32>, changed: (Int32) -> Void) {
        for user in 0..<Int32(userCount) {
            let list = lists[user]
            guard list.count > 0 else { continue }
            let block = pool.block(list.block, ofClass: Self.sizeClass(list.count))
            var kept: Int32 = 0
            var isChanged = false
            for place in 0..<Int(list.count) {
                let newRow = newRows[Int(block[place])]
                isChanged = isChanged || newRow != block[place]
                guard newRow >= 0 else { continue }
                block[Int(kept)] = newRow
                kept += 1
            }
            resize(user, to: kept)
            if isChanged { changed(user) }
        }
    }

    /// Gives a user's list to another user, who has none.
    func move(_ user: Int32, to target: Int32) {
        let list = lists[user]
        assert(lists[target].count == 0)
        lists[target] = list
        lists[user] = List()
        guard list.count > 0 else { return }
        pool.setOwner(of: list.block, ofClass: Self.sizeClass(list.count), to: target)
    }

    /// Drops the users from `newCount` on, who must have had nothing.
    func truncate(to newCount: Int) { lists.truncate(to: newCount) }

    /// Bytes of the lists.
    var byteCount: Int { lists.byteCount + pool.byteCount }

    /// Bytes that a user without items takes.
    static var bytesPerUser: Int { MemoryLayout<List>.stride }

    /// How many bytes more one more item would take for a user who has had so many.
    func growth(after count: Int) -> Int {
        let sizes = (Self.sizeClass(Int32(count)), Self.sizeClass(Int32(count) + 1))
        if count == 0 { return pool.byteCount(ofClass: sizes.1) }
        return sizes.0 == sizes.1
            ? 0 : pool.byteCount(ofClass: sizes.1) - pool.byteCount(ofClass: sizes.0)
    }
}
