import Learning
import Testing

@testable import TextRecognition

@Suite struct ReplayReservoirTests {
    private func line(_ number: Int, slice: Int32, width: Int = 8) -> KeptLine {
        KeptLine(
            image: GrayImage(
                width: width,
                height: 32,
                filledWith: UInt8(truncatingIfNeeded: number)
            ),
            text: String(number),
            slice: slice,
            partition: 0,
            offset: Int64(number)
        )
    }

    /// A reservoir that was offered `count` lines, whose slices `slice` gives.
    private func filled(
        _ count: Int,
        limit: Int = 10_000,
        seed: UInt64 = 1,
        slice: (Int) -> Int32
    ) -> ReplayReservoir {
        var reservoir = ReplayReservoir(limit: limit, alphabet: .base)
        var seen: [Int32: Int64] = [:]
        for number in 0..<count {
            let line = line(number, slice: slice(number))
            seen[line.slice, default: 0] += 1
            var random = KeyedRandom(
                seed: seed,
                purpose: 1,
                partition: 0,
                offset: Int64(number)
            )
            reservoir.offer(line, seenCount: seen[line.slice, default: 1], &random)
        }
        return reservoir
    }

    @Test func `it never takes more than its limit, and uses it`() {
        let line = line(0, slice: 0).byteCount
        for limit in [0, line - 1, line, 5 * line + 3, 10_000] {
            let reservoir = filled(300, limit: limit) { Int32($0 % 3) }
            let taken = reservoir.lines.reduce(0) { $0 + $1.byteCount }
            #expect(taken <= limit)
            #expect(taken > limit - line - 4, "\(limit)")
        }
    }

    @Test func `a rare slice keeps its share beside a frequent one`() {
        let reservoir = filled(2000) { $0 % 50 == 0 ? 1 : 0 }
        let rare = reservoir.lines.count { $0.slice == 1 }
        #expect(rare * 5 >= reservoir.lines.count * 2, "\(rare) of \(reservoir.lines.count)")
    }

    @Test func `early and late lines of a slice have the same chance`() {
        var early = 0
        var all = 0
        for seed in 0..<60 as Range<UInt64> {
            let lines = filled(400, seed: seed) { _ in 0 }.lines
            early += lines.count { $0.offset < 200 }
            all += lines.count
        }
        let share = Double(early) / Double(all)
        #expect((0.45...0.55).contains(share), "\(share)")
    }

    @Test func `samples take every slice alike`() {
        let reservoir = filled(2000) { $0 % 50 == 0 ? 1 : 0 }
        var random = KeyedRandom(key: 5)
        let rare = reservoir.sample(1000, &random).count { $0.slice == 1 }
        #expect((420...580).contains(rare))
        #expect(ReplayReservoir(limit: 100, alphabet: .base).sample(3, &random).isEmpty)
    }

    @Test func `what is restored goes on as what was written`() throws {
        let reservoir = filled(100) { Int32($0 % 2) }
        var tensors = NamedTensors()
        reservoir.encode(into: &tensors)
        let restored = try ReplayReservoir(limit: 10_000, alphabet: .base, state: tensors)
        #expect(restored.lines == reservoir.lines)
        var (left, right) = (KeyedRandom(key: 1), KeyedRandom(key: 1))
        #expect(reservoir.sample(50, &left) == restored.sample(50, &right))
        tensors["replay.slices"] = Tensor([Int32](repeating: -1, count: reservoir.lines.count))
        #expect(throws: LearningError.self) {
            try ReplayReservoir(limit: 10_000, alphabet: .base, state: tensors)
        }
    }
}
