import Learning
import Testing

/// Increments of a table large enough to be read and written in many pieces.
struct IncrementTests {
    /// A table with a dense column and a list column, in the plainest form.
    private struct Rows: Equatable {
        var numbers: [Int: [Float]] = [:]
        var lists: [Int: [Int32]] = [:]

        mutating func change(_ row: Int, _ random: inout KeyedRandom) {
            numbers[row] = (0..<5).map { _ in Float(random.unit()) }
            lists[row] = (0..<random.index(below: 9)).map { Int32($0 + row) }
        }

        func encode(_ rows: [Int]) -> NamedTensors {
            var tensors = NamedTensors()
            tensors["numbers"] = Tensor(
                rows.flatMap { numbers[$0] ?? [] },
                shape: [rows.count, 5]
            )
            tensors["lists.items"] = Tensor(rows.flatMap { lists[$0] ?? [] })
            tensors["lists.counts"] = Tensor(rows.map { Int32(lists[$0]?.count ?? 0) })
            return tensors
        }

        func increment(_ rows: some Sequence<Int>, on count: Int, whole: Int64) -> NamedTensors {
            let rows = rows.sorted()
            var tensors = encode(rows)
            tensors["rows/table"] = Tensor(rows.map { Int32($0) })
            tensors["base/table"] = Tensor([Int64(count)])
            tensors["size/table"] = Tensor([Int64(max(count, (rows.last ?? -1) + 1))])
            tensors["whole"] = Tensor([whole])
            return tensors
        }

        func whole(_ whole: Int64) -> NamedTensors {
            var tensors = encode(Array(0..<numbers.count))
            tensors["whole"] = Tensor([whole])
            return tensors
        }
    }

    private let layout = StateLayout(tables: [
        StateLayout.Table(
            "table",
            columns: [.dense("numbers"), .list(values: "lists.items", lengths: "lists.counts")]
        )
    ])

    private func written(_ base: NamedTensors?, _ increment: NamedTensors) throws -> [UInt8] {
        try file(StateMerge(of: [increment], onto: base, layout: layout))
    }

    private func merged(_ parts: [NamedTensors]) throws -> NamedTensors {
        try Safetensors.decode(file(StateMerge(of: parts, layout: layout))).tensors
    }

    private func file(_ merge: StateMerge) throws -> [UInt8] {
        var file: [UInt8] = []
        try merge.write(
            unreadable: { $0 },
            to: { piece throws(LearningError) in file.append(contentsOf: piece) }
        )
        return file
    }

    @Test func `base and increment are written as the whole state, whatever changed`() throws {
        var random = KeyedRandom(key: 8)
        var rows = Rows()
        for row in 0..<50_000 { rows.change(row, &random) }
        let base = rows.whole(1)
        #expect(
            try written(nil, rows.increment(0..<50_000, on: 0, whole: 1))
                == Safetensors.encode(base).flatMap { $0 }
        )
        // Nothing, some, every other, the first, the last, the last before new ones, only new ones.
        let changes: [Set<Int>] = [
            [], Set((0..<400).map { _ in random.index(below: 50_000) }),
            Set(stride(from: 0, to: 50_000, by: 2)), [0], [49_999], Set(49_990..<52_000),
            Set(50_000..<50_001), Set(0..<50_000),
        ]
        for changed in changes {
            var changedRows = rows
            for row in changed.sorted() { changedRows.change(row, &random) }
            let increment = changedRows.increment(changed, on: 50_000, whole: 2)
            let expected = Safetensors.encode(changedRows.whole(2)).flatMap { $0 }
            #expect(try written(base, increment) == expected, "\(changed.count) changed")
        }
    }

    @Test func `of parts that hold the same row the last one counts`() throws {
        var random = KeyedRandom(key: 9)
        var rows = Rows()
        for row in 0..<300 { rows.change(row, &random) }
        var parts: [NamedTensors] = []
        var all: Set<Int> = []
        for number in 0..<7 {
            let changed = Set((0..<50).map { _ in random.index(below: 300) })
            for row in changed.sorted() { rows.change(row, &random) }
            all.formUnion(changed)
            var part = rows.increment(changed, on: 300, whole: Int64(number))
            if number < 6 {
                part["whole"] = nil
                part["base/table"] = nil
                part["size/table"] = nil
            }
            parts.append(part)
        }
        let expected = rows.increment(all, on: 300, whole: 6)
        #expect(try merged(parts) == expected)
        #expect(try merged([expected]) == expected)
        #expect(try merged([]).isEmpty)
    }

    @Test func `what is merged is put on what the first part was put on`() throws {
        var random = KeyedRandom(key: 10)
        var rows = Rows()
        for row in 0..<5 { rows.change(row, &random) }
        let first = rows.increment(0..<5, on: 0, whole: 1)
        for row in 4..<9 { rows.change(row, &random) }
        let second = rows.increment(4..<9, on: 5, whole: 2)
        let merged = try merged([first, second])
        #expect(try merged.values("base/table") == [0 as Int64])
        #expect(try merged.values("whole") == [2 as Int64])
        #expect(try written(nil, merged) == Safetensors.encode(rows.whole(2)).flatMap { $0 })
    }

    @Test func `increments that do not follow one another are not put together`() throws {
        var random = KeyedRandom(key: 12)
        var rows = Rows()
        for row in 0..<9 { rows.change(row, &random) }
        var first = rows.increment(0..<5, on: 0, whole: 1)
        var second = rows.increment(4..<9, on: 5, whole: 2)
        first["base/whole"] = Tensor([0 as Int64])
        second["base/whole"] = Tensor([1 as Int64])
        #expect(try merged([first, second]).values("base/whole") == [0 as Int64])
        let gap = rows.increment(4..<9, on: 4, whole: 2)
        #expect(throws: LearningError.self) { try merged([first, gap]) }
        second["base/whole"] = Tensor([7 as Int64])
        #expect(throws: LearningError.self) { try merged([first, second]) }
        #expect(throws: LearningError.self) { try merged([second, first]) }
    }

    @Test func `rows that were dropped and came again are those that came`() throws {
        var random = KeyedRandom(key: 13)
        var rows = Rows()
        for row in 0..<50 { rows.change(row, &random) }
        let base = rows.whole(1)
        var fewer = rows.increment([3, 8], on: 50, whole: 2)
        fewer["size/table"] = Tensor([20 as Int64])
        for row in 15..<30 { rows.change(row, &random) }
        let more = rows.increment(15..<30, on: 20, whole: 3)
        for row in 30..<50 { (rows.numbers[row], rows.lists[row]) = (nil, nil) }
        let expected = Safetensors.encode(rows.whole(3)).flatMap { $0 }
        #expect(
            try file(StateMerge(of: [fewer, more], onto: base, layout: layout)) == expected
        )
        #expect(try written(base, merged([fewer, more])) == expected)
    }

    @Test func `an increment that does not fit is not written`() throws {
        var random = KeyedRandom(key: 11)
        var rows = Rows()
        for row in 0..<5 { rows.change(row, &random) }
        let base = rows.whole(1)
        for row in 4..<9 { rows.change(row, &random) }
        let increment = rows.increment(4..<9, on: 5, whole: 2)
        var damages: [NamedTensors] = [rows.increment([4, 6], on: 5, whole: 2)]
        damages.append(rows.increment(4..<9, on: 4, whole: 2))
        for name in increment.names where name != "whole" {
            damages.append(increment)
            damages[damages.count - 1][name] = nil
        }
        damages.append(increment)
        damages[damages.count - 1]["lists.counts"] = Tensor([9, 0, 0, 0, 0] as [Int32])
        damages.append(increment)
        damages[damages.count - 1]["numbers"] = Tensor(
            [Float](repeating: 0, count: 20),
            shape: [5, 4]
        )
        for damaged in damages {
            #expect(throws: LearningError.self) { try written(base, damaged) }
        }
        #expect(try written(base, increment) == Safetensors.encode(rows.whole(2)).flatMap { $0 })
    }
}
