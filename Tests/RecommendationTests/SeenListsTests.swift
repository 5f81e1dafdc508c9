import Learning
import Testing

@testable import Recommendation

/// The lists against arrays.
struct SeenListsTests {
    private final class Pair {
        let lists = SeenLists()
        var plain: [[Int32]]

        init(users: Int) {
            plain = Array(repeating: [], count: users)
            for _ in 0..<users { lists.appendUser() }
        }

        func append(_ user: Int, _ item: Int32) {
            #expect(lists.contains(Int32(user), item) == plain[user].contains(item))
            guard !plain[user].contains(item) else { return }
            let bytes = lists.byteCount + lists.growth(after: plain[user].count)
            plain[user].append(item)
            lists.append(Int32(user), item)
            #expect(lists.byteCount == bytes)
        }

        func check() {
            for user in plain.indices { #expect(Array(lists[Int32(user)]) == plain[user]) }
            #expect(lists.pairCount == plain.reduce(0) { $0 + $1.count })
            // Blocks of 4, 8, 16… items, each with its owner, and 8 bytes a user.
            let blocks = plain.filter { !$0.isEmpty }.map { list in
                var capacity = 4
                while capacity < list.count { capacity *= 2 }
                return 4 * capacity + 4
            }
            #expect(lists.byteCount == 8 * plain.count + blocks.reduce(0, +))
        }
    }

    @Test func `lists grow, are emptied and lose items`() {
        let pair = Pair(users: 50)
        var random = KeyedRandom(key: 2)
        for step in 0..<20_000 {
            let user = random.index(below: 50)
            switch random.index(below: 400) {
            case 0:
                pair.lists.release(Int32(user))
                pair.plain[user] = []
            case 1:
                let removed = Set((0..<20).map { _ in Int32(random.index(below: 300)) })
                // Those that stay exchange rows with their neighbours.
                let newRows = (0..<300).map { removed.contains($0) ? -1 : $0 ^ 1 } as [Int32]
                var changed: [Int32] = []
                newRows.withUnsafeBufferPointer { rows in
                    pair.lists.renumber(rows) { changed.append($0) }
                }
                let expected = pair.plain.indices.filter { !pair.plain[$0].isEmpty }
                #expect(changed == expected.map { Int32($0) })
                for user in pair.plain.indices {
                    pair.plain[user] = pair.plain[user].map { newRows[Int($0)] }.filter { $0 >= 0 }
                }
            default: pair.append(user, Int32(random.index(below: 300)))
            }
            if step % 500 == 0 { pair.check() }
        }
        pair.check()
    }

    @Test func `a list moves to another user and the end is cut off`() {
        let pair = Pair(users: 6)
        for user in 0..<6 { for item in 0..<Int32(user * 3) { pair.append(user, item) } }
        pair.lists.release(1)
        pair.lists.move(5, to: 1)
        pair.plain[1] = pair.plain[5]
        pair.lists.release(4)
        pair.plain.removeLast(2)
        pair.lists.truncate(to: 4)
        pair.check()
        for item in 100..<120 as Range<Int32> { pair.append(1, item) }
        pair.check()
    }
}
