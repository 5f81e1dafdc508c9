import Learning
import Testing

@testable import Recommendation

/// Blocks against a dictionary of arrays.
struct BlockPoolTests {
    @Test func `blocks keep what was written, and those in use are all that takes memory`() {
        let lengths = [1, 3, 8]
        let pool = BlockPool<Int32>(lengths: lengths)
        var random = KeyedRandom(key: 1)
        var plain: [Int32: (size: Int, index: Int32, values: [Int32])] = [:]
        for step in 0..<20_000 {
            let owner = Int32(random.index(below: 300))
            if let block = plain.removeValue(forKey: owner) {
                if let moved = pool.release(block.index, ofClass: block.size) {
                    plain[moved]?.index = block.index
                }
            } else {
                let size = random.index(below: 3)
                let index = pool.allocate(ofClass: size, owner: owner, filledWith: 0)
                let values = (0..<lengths[size]).map { _ in Int32(random.index(below: 1000)) }
                pool.block(index, ofClass: size).update(from: values, count: values.count)
                plain[owner] = (size, index, values)
            }
            let bytes = plain.values.reduce(0) { $0 + 4 * $1.values.count + 4 }
            #expect(pool.byteCount == bytes)
            guard step % 100 == 0 else { continue }
            for block in plain.values {
                let start = pool.block(block.index, ofClass: block.size)
                #expect(
                    Array(UnsafeBufferPointer(start: start, count: lengths[block.size]))
                        == block.values
                )
            }
        }
    }

    @Test func `a block that changed hands tells its new owner when it moves`() {
        let pool = BlockPool<Int32>(lengths: [2])
        let first = pool.allocate(ofClass: 0, owner: 5, filledWith: 1)
        let second = pool.allocate(ofClass: 0, owner: 6, filledWith: 2)
        pool.setOwner(of: second, ofClass: 0, to: 9)
        #expect(pool.release(first, ofClass: 0) == 9)
        #expect(pool.block(first, ofClass: 0)[1] == 2)
    }

    @Test func `a column that shrank keeps its elements`() {
        let column = Column<Int64>()
        for round in 0..<4 {
            for value in column.count..<100_000 { column.append(Int64(value + round)) }
            column.truncate(to: 30_000 - round * 10_000)
            #expect(column.count == 30_000 - round * 10_000)
            #expect(column.byteCount == 8 * column.count)
        }
        for value in 0..<1000 { column.append(Int64(value)) }
        #expect(column.buffer.elementsEqual((0..<1000).map { Int64($0) }))
    }
}
