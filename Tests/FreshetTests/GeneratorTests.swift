import Foundation
import Testing

@testable import freshet

@Suite struct GeneratorTests {
    private func bytes(_ settings: GeneratorSettings, count: Int) -> [UInt8] {
        var generator = InteractionGenerator(settings)
        var encoder = InteractionEncoder()
        var bytes: [UInt8] = []
        for _ in 0..<count {
            encoder.encode(generator.next())
            bytes += encoder.bytes
        }
        return bytes
    }

    private func events(_ settings: GeneratorSettings, count: Int) -> [Interaction] {
        var generator = InteractionGenerator(settings)
        return (0..<count).map { _ in generator.next() }
    }

    private let small = GeneratorSettings(users: 100, items: 200)

    @Test func `the same seed gives the same bytes and another seed others`() {
        let first = bytes(small, count: 2000)
        #expect(first == bytes(small, count: 2000))
        var other = small
        other.seed = 2
        #expect(first != bytes(other, count: 2000))
    }

    @Test func `the bytes are the same on every machine and in every version`() {
        var hash: UInt64 = 14_695_981_039_346_656_037
        for byte in bytes(GeneratorSettings(users: 50, items: 50, hasRatings: true), count: 500) {
            hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
        }
        // FNV-1a of the first run. A change of the generator changes what benchmarks mean.
        #expect(hash == 3_209_102_607_893_243_853)
    }

    @Test func `timestamps rise evenly`() {
        let events = events(small, count: 10)
        #expect(events.first?.timestamp == small.start)
        #expect(
            zip(events, events.dropFirst()).allSatisfy { $1.timestamp - $0.timestamp == 10_000 }
        )
    }

    @Test func `popularity follows Zipf's law roughly`() {
        var counts: [[UInt8]: Int] = [:]
        for event in events(GeneratorSettings(users: 1000, items: 1000), count: 50_000) {
            counts[event.item, default: 0] += 1
        }
        let sorted = counts.values.sorted(by: >)
        // Slope of log count over log rank between rank 3 and rank 300, by two points.
        let slope = log(Double(sorted[299]) / Double(sorted[2])) / log(300.0 / 3.0)
        #expect((-1.1 ... -0.4).contains(slope), "\(slope)")
        #expect(sorted[0] > 10 * sorted[sorted.count / 2])
        #expect(counts.count > 900)
    }

    /// Which part of the events goes to each user's own favourites of the events before.
    private func share(
        of favourites: [[UInt8]: Set<[UInt8]>],
        in events: some Collection<Interaction>
    ) -> Double {
        let hits = events.count { favourites[$0.user]?.contains($0.item) == true }
        return Double(hits) / Double(max(events.count, 1))
    }

    private func favourites(_ events: some Sequence<Interaction>) -> [[UInt8]: Set<[UInt8]>] {
        var taken: [[UInt8]: Set<[UInt8]>] = [:]
        for event in events { taken[event.user, default: []].insert(event.item) }
        return taken
    }

    @Test func `tastes stay until the shift and change there`() {
        // Few users, so that their favourites are known after 20,000 events.
        var settings = GeneratorSettings(users: 50, items: 2000)
        let steady = events(settings, count: 25_000)
        settings.shiftAt = 20_000
        let shifted = events(settings, count: 25_000)
        #expect(steady[..<20_000] == shifted[..<20_000])
        let known = favourites(steady[..<20_000])
        let before = share(of: known, in: steady[20_000...])
        let after = share(of: known, in: shifted[20_000...])
        #expect(before > 1.5 * after, "\(before) \(after)")
    }

    @Test func `events tell more about a user than popularity does`() {
        let all = events(GeneratorSettings(users: 200, items: 1000), count: 30_000)
        // Two users' events agree more with their own past than with that of another user.
        let known = favourites(all[..<20_000])
        let users = known.keys.sorted { $0.lexicographicallyPrecedes($1) }
        let neighbour = Dictionary(
            uniqueKeysWithValues: zip(users, Array(users.dropFirst()) + users.prefix(1))
        )
        let own = share(of: known, in: all[20_000...])
        let others = share(
            of: known.mapValues { $0 },
            in: all[20_000...].map { event in
                var event = event
                event.user = neighbour[event.user] ?? event.user
                return event
            }
        )
        #expect(own > 2 * others, "\(own) \(others)")
    }

    @Test func `an item is not taken again at once`() {
        var last: [[UInt8]: [[UInt8]]] = [:]
        for event in events(GeneratorSettings(users: 20, items: 500), count: 5000) {
            let recent = last[event.user, default: []].suffix(32)
            #expect(!recent.contains(event.item))
            last[event.user, default: []].append(event.item)
        }
    }

    @Test func `ratings are half stars and follow taste`() {
        var settings = small
        settings.hasRatings = true
        let values = events(settings, count: 3000).compactMap(\.value)
        #expect(values.count == 3000)
        #expect(values.allSatisfy { (0.5...5).contains($0) && ($0 * 2).rounded() == $0 * 2 })
        #expect(Set(values).count >= 5)
        #expect(events(small, count: 10).allSatisfy { $0.value == nil })
    }

    @Test func `one user and one item are enough`() {
        let events = events(GeneratorSettings(users: 1, items: 1), count: 100)
        #expect(events.allSatisfy { $0.item == Array("i1".utf8) && $0.user == Array("u1".utf8) })
    }

    @Test func `logarithm and exponential agree with the C library`() {
        for x in stride(from: -20.0, through: 20, by: 0.37) {
            #expect(abs(PortableMath.exp(x) / exp(x) - 1) < 1e-9, "\(x)")
        }
        for x in [1e-300, 1e-5, 0.3, 0.707, 1, 1.414, 1.415, 2, 77, 12_345, 1e300] {
            #expect(abs(PortableMath.log(x) - log(x)) < 1e-9 * max(1, abs(log(x))), "\(x)")
        }
    }

    @Test func `weights are drawn as often as they say`() {
        let choice = WeightedChoice([1, 2, 5])
        var random = RandomSource(seed: 1, purpose: 0)
        var counts = [0, 0, 0]
        for _ in 0..<80_000 { counts[choice.draw(&random)] += 1 }
        for (count, expected) in zip(counts, [10_000, 20_000, 50_000]) {
            // Six standard deviations of a binomial count are under 900.
            #expect(abs(count - expected) < 900, "\(counts)")
        }
    }

    @Test func `a pace gives each event its time`() {
        var even = Pacer(.rate(200))
        #expect(even.due(index: 100, timestamp: 0) == .milliseconds(500))
        var asWritten = Pacer(.speed(10))
        #expect(asWritten.due(index: 0, timestamp: 5000) == .zero)
        #expect(asWritten.due(index: 1, timestamp: 7000) == .milliseconds(200))
        #expect(asWritten.due(index: 2, timestamp: 4000) == .zero)
    }
}
