import Learning
import Testing

struct PrequentialMeansTests {
    private func add(_ means: inout PrequentialMeans, _ values: [Double], weight: Double = 1) {
        values.withUnsafeBufferPointer { means.add($0, weight: weight) }
    }

    @Test func `means are those of all scored events, of the window and of the last part`() {
        var means = PrequentialMeans(columns: 2, window: 100)
        #expect(means.mean(0).isNaN && means.windowMean(0).isNaN)
        #expect(means.mean(0, skippingFirst: 0.2).isNaN)
        for n in 0..<10_000 { add(&means, [Double(n), n < 2000 ? 5 : 1]) }
        #expect(means.mean(0) == 4999.5)
        #expect(means.windowMean(0) == 9949.5)
        #expect(means.mean(1) == 1.8)
        #expect(means.mean(1, skippingFirst: 0.2) == 1)
        #expect(means.mean(0, skippingFirst: 0.2) == 5999.5)
        #expect((means.eventCount, means.scoredCount) == (10_000, 10_000))
    }

    @Test func `a border within a block is interpolated`() {
        var means = PrequentialMeans(columns: 1, window: 10)
        for n in 0..<2500 { add(&means, [n < 1000 ? 1 : 0]) }
        // Events 500..<2500: half of the first block, which holds all the ones.
        #expect(abs(means.mean(0, skippingFirst: 0.2) - 500.0 / 2000) < 1e-12)
    }

    @Test func `weights stand for events that were not scored`() {
        var means = PrequentialMeans(columns: 1, window: 1000)
        add(&means, [1], weight: 4)
        means.skip()
        add(&means, [0], weight: 1)
        #expect(means.mean(0) == 0.8 && means.windowMean(0) == 0.8)
        #expect(means.mean(0, skippingFirst: 0) == 0.8)
        #expect((means.eventCount, means.scoredCount) == (3, 2))
    }

    @Test func `memory stays bounded and the last part stays right when blocks are merged`() {
        var means = PrequentialMeans(columns: 1, window: 10)
        let count = 9_000_000
        for n in 0..<count { add(&means, [n < count / 5 ? 1 : 0]) }
        #expect(abs(means.mean(0) - 0.2) < 1e-9)
        #expect(means.mean(0, skippingFirst: 0.2) < 1e-3)
        var state = NamedTensors()
        means.encode(into: &state, prefix: "e.")
        let blocks = state["e.blocks"]?.shape[0] ?? 0
        #expect(blocks < PrequentialMeans.maximumBlockCount && blocks > 1000)
    }

    @Test func `the state survives encoding at every size of the window`() throws {
        for count in [0, 1, 5, 9, 10, 11, 25, 2345] {
            var means = PrequentialMeans(columns: 2, window: 10)
            for n in 0..<count { add(&means, [Double(n), 1], weight: Double(1 + n % 3)) }
            var state = NamedTensors()
            means.encode(into: &state, prefix: "e.")
            var again = try PrequentialMeans(columns: 2, window: 10, from: state, prefix: "e.")
            for n in 0..<1700 {
                add(&means, [Double(n), 2])
                add(&again, [Double(n), 2])
            }
            var (left, right) = (NamedTensors(), NamedTensors())
            means.encode(into: &left, prefix: "e.")
            again.encode(into: &right, prefix: "e.")
            #expect(left == right)
            #expect(means.windowMean(0) == again.windowMean(0))
        }
    }

    @Test func `a state that cannot be is refused`() throws {
        var means = PrequentialMeans(columns: 1, window: 10)
        for _ in 0..<1500 { add(&means, [1]) }
        var state = NamedTensors()
        means.encode(into: &state, prefix: "")
        for counts: [Int64] in [
            [1499, 1500, 1000, 499], [1500, 1501, 1000, 500], [1500, 1500, 0, 500],
            [1500, 1500, .max, 500], [-1, 0, 1, 0], [1500, 1500, 1500, 0],
        ] {
            var damaged = state
            damaged["counts"] = Tensor(counts)
            #expect(throws: LearningError.self) {
                try PrequentialMeans(columns: 1, window: 10, from: damaged, prefix: "")
            }
        }
    }
}

struct LinearAlgebraTests {
    private func numbers(_ count: Int, key: UInt64) -> [Float] {
        var random = KeyedRandom(key: key)
        return (0..<count).map { _ in Float(random.unit() * 2 - 1) }
    }

    @Test func `products agree with plain loops`() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (64, 33, 64), (0, 4, 4)] {
            let (a, b) = (numbers(m * k, key: 1), numbers(n * k, key: 2))
            for transposed in [false, true] {
                var c = [Float](repeating: 9, count: m * n)
                LinearAlgebra.multiply(
                    a,
                    b,
                    into: &c,
                    rows: m,
                    columns: n,
                    inner: k,
                    transposeB: transposed
                )
                for row in 0..<m {
                    for column in 0..<n {
                        let expected = (0..<k).reduce(Float(0)) {
                            $0 + a[row * k + $1]
                                * (transposed ? b[column * k + $1] : b[$1 * n + column])
                        }
                        #expect(abs(c[row * n + column] - expected) < 1e-4)
                    }
                }
            }
            var y = [Float](repeating: 9, count: n)
            let x = numbers(k, key: 3)
            LinearAlgebra.multiply(b, vector: x, into: &y, rows: n, columns: k)
            for row in 0..<n {
                let expected = (0..<k).reduce(Float(0)) { $0 + b[row * k + $1] * x[$1] }
                #expect(abs(y[row] - expected) < 1e-4)
            }
        }
    }
}

struct KeyedRandomTests {
    @Test func `numbers depend on every part of the key and are uniform`() {
        var seen: Set<UInt64> = []
        for seed: UInt64 in 0..<3 {
            for purpose: UInt64 in 0..<3 {
                for partition: Int32 in -1..<3 {
                    for offset: Int64 in 0..<50 {
                        var random = KeyedRandom(
                            seed: seed,
                            purpose: purpose,
                            partition: partition,
                            offset: offset
                        )
                        seen.insert(random.next())
                    }
                }
            }
        }
        #expect(seen.count == 3 * 3 * 4 * 50)
        var random = KeyedRandom(seed: 1, purpose: 2, partition: 3, offset: 4)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            counts[random.index(below: 10)] += 1
            #expect((0..<1).contains(random.unit()))
        }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
    }
}
