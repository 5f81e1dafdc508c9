import Learning
import Testing

@testable import Recommendation

/// What decides which rows go and which come: each piece against a plain version.
struct ForgettingPiecesTests {
    @Test func `the least recently used rows are those that sorting finds`() {
        var random = KeyedRandom(key: 4)
        for bits in [1, 8, 12, 13, 24, 40, 60] {
            let clocks = (0..<700).map { _ in Int64(random.next() >> UInt64(64 - bits)) }
            let sorted = clocks.indices.filter { clocks[$0] > 0 }
                .sorted { (clocks[$0], $0) < (clocks[$1], $1) }
            for count in [0, 1, 2, 35, 300, sorted.count - 1, sorted.count, 2000] where count >= 0 {
                let rows = clocks.withUnsafeBufferPointer {
                    LeastRecentlyUsed.rows($0, count: count)
                }
                #expect(rows == sorted.prefix(count).sorted().map { Int32($0) })
            }
            let limit = clocks[350]
            let upTo = clocks.withUnsafeBufferPointer { LeastRecentlyUsed.rows($0, upTo: limit) }
            #expect(
                upTo
                    == clocks.indices.filter { clocks[$0] > 0 && clocks[$0] <= limit }
                    .map { Int32($0) }
            )
        }
    }

    @Test func `a sketch never counts too few and seldom too many`() {
        var sketch = AdmissionSketch(width: 4096)
        var random = KeyedRandom(key: 6)
        var exact: [UInt64: Int] = [:]
        var tooMany = 0
        for _ in 0..<1000 {
            let hash = UInt64(random.index(below: 700)) &* 0x9E37_79B9_7F4A_7C15
            exact[hash, default: 0] += 1
            let (count, truth) = (sketch.add(hash), exact[hash] ?? 0)
            #expect(count >= truth)
            if count > truth { tooMany += 1 }
        }
        #expect(tooMany < 10)
    }

    @Test func `a sketch stops at its largest count and halves after a quarter of its width`() {
        var sketch = AdmissionSketch(width: 4096)
        var counts: [Int] = []
        for _ in 0..<1025 { counts.append(sketch.add(7)) }
        #expect(counts.prefix(300) == (1...300).map { min($0, 255) }[...])
        #expect(counts[1023] == 255 && counts[1024] == 128)
        #expect(sketch.additions == 1)
        var restored = AdmissionSketch(counters: sketch.counters, additions: sketch.additions)
        #expect(restored.add(7) == sketch.add(7) && restored.counters == sketch.counters)
    }

    @Test func `rows expire no earlier than they must and at most a 64th later`() {
        var random = KeyedRandom(key: 7)
        for timeToLive in [1, 10, 1000, 100_000] as [Int64] {
            var marks = ExpiryMarks(timeToLive: timeToLive)
            // When each event was, by the watermark.
            var watermarks: [Int64] = []
            var expired: Int64 = 0
            for clock in 1...3000 as ClosedRange<Int64> {
                let step = random.index(below: 30) == 0 ? timeToLive : timeToLive / 100
                watermarks.append(
                    (watermarks.last ?? 50) + Int64(random.index(below: Int(step) + 1))
                )
                let now = watermarks[watermarks.count - 1]
                if let upTo = marks.advance(clock: clock, watermark: now) {
                    #expect(upTo > expired)
                    expired = upTo
                }
                #expect(marks.marks.count <= ExpiryMarks.maximumCount)
                if expired > 0 { #expect(watermarks[Int(expired) - 1] <= now - timeToLive) }
                if expired < clock {
                    let oldest = watermarks[Int(expired)]
                    #expect(oldest > now - timeToLive - max(timeToLive / 64, 1) - step)
                }
            }
            #expect(expired > 100)
        }
    }
}
