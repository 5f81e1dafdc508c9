import Learning
import Testing

@testable import Recommendation

/// The table against a dictionary.
struct IDTableTests {
    /// A table and what must be in it.
    private final class Pair {
        let table = IDTable(seed: 3)
        var rows: [String: Int32] = [:]
        var free: Set<Int32> = []

        func insert(_ id: String) {
            guard rows[id] == nil else { return }
            let expected = free.min() ?? Int32(table.count)
            #expect(Self.with(id) { self.table.insert($0, hash: self.table.hash($0)) } == expected)
            free.remove(expected)
            rows[id] = expected
        }

        func remove(_ id: String) {
            guard let row = rows.removeValue(forKey: id) else { return }
            table.remove(row)
            free.insert(row)
        }

        func find(_ id: String) -> Int32 {
            Self.with(id) { table.find($0, hash: table.hash($0)) }
        }

        func check() {
            #expect(table.usedCount == rows.count)
            #expect(table.count == rows.count + free.count)
            for (id, row) in rows {
                #expect(find(id) == row)
                #expect(String(decoding: table[row], as: UTF8.self) == id)
            }
            for row in free {
                #expect(table.isFree(row) && table[row].isEmpty && table.free.contains(row))
            }
        }

        static func with<Result>(_ id: String, _ body: (UnsafeRawBufferPointer) -> Result)
            -> Result
        {
            Array(id.utf8).withUnsafeBytes(body)
        }
    }

    /// An id of up to 60 bytes.
    private func id(_ number: Int) -> String {
        "\(number)" + String(repeating: "x", count: number * 7 % 57)
    }

    @Test func `ids come and go, rows are used again from the lowest`() {
        let pair = Pair()
        var random = KeyedRandom(key: 8)
        for step in 0..<30_000 {
            let id = id(random.index(below: 400))
            if random.index(below: 2) == 0 { pair.insert(id) } else { pair.remove(id) }
            #expect(pair.find(id) == pair.rows[id] ?? IDTable.absent)
            if step % 1000 == 0 { pair.check() }
        }
        pair.check()
    }

    @Test func `without end of coming and going the table takes no more memory`() {
        let pair = Pair()
        for number in 10_000..<11_000 { pair.insert(id(number)) }
        let bytes = pair.table.byteCount
        for number in 11_000..<60_000 {
            pair.remove(id(number - 1000))
            pair.insert(id(number))
        }
        #expect(pair.table.count == 1000)
        #expect(abs(pair.table.byteCount - bytes) < bytes / 50)
        pair.check()
    }

    @Test func `the growth said before an insertion is what it takes`() {
        let table = IDTable(seed: 1)
        for number in 0..<2000 {
            let id = id(number)
            let expected = table.byteCount + table.growth(idLength: id.utf8.count)
            _ = Pair.with(id) { table.insert($0, hash: table.hash($0)) }
            #expect(table.byteCount == expected)
            if number % 3 == 0 { table.remove(Int32(number / 2)) }
            if number % 3 == 0 {
                _ = Pair.with("again\(number)") {
                    table.insert($0, hash: table.hash($0))
                }
            }
        }
    }

    @Test func `ids move to free rows and the end is cut off`() {
        let pair = Pair()
        for number in 0..<500 { pair.insert(id(number)) }
        for number in 0..<300 { pair.remove(id(number)) }
        for number in 300..<500 {
            let target = Int32(number - 300)
            pair.table.move(Int32(number), to: target)
            pair.rows[id(number)] = target
        }
        pair.free = Set(200..<500)
        pair.check()
        pair.table.truncate(to: 200)
        pair.free = []
        pair.check()
        pair.insert("more")
        #expect(pair.rows["more"] == 200)
        let fresh = IDTable(seed: 3)
        for id in pair.rows.keys { _ = Pair.with(id) { fresh.insert($0, hash: fresh.hash($0)) } }
        #expect(fresh.byteCount == pair.table.byteCount)
    }

    @Test func `free rows are found in order`() {
        let free = FreeRows()
        for row in [900, 3, 64, 65, 500] as [Int32] { free.insert(row) }
        var found: [Int] = []
        free.forEach(in: 4..<501) { found.append($0) }
        #expect(found == [64, 65, 500])
        #expect(free.lowest() == 3)
        free.remove(3)
        #expect(free.lowest() == 64 && free.count == 4 && !free.contains(3))
        free.insert(2)
        #expect(free.lowest() == 2)
    }
}
