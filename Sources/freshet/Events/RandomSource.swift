/// Random numbers from a seed: the same seed gives the same numbers on every machine.
///
/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
struct RandomSource: RandomNumberGenerator {
    private var state: UInt64

    /// A stream of its own for each pair of seed and purpose.
    init(seed: UInt64, purpose: UInt64) {
        state = seed
        state = next() ^ purpose
        state = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The output function: a bijection that scatters neighbouring numbers.
    static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// From 0 up to, not including, 1.
    mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// The same, in all the bits of a Double.
    mutating func uniform64() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// From 0 up to, not including, `count`, which is positive.
    mutating func index(_ count: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Normally distributed around 0 with deviation 1, as the sum of twelve uniform numbers.
    mutating func normal() -> Float {
        var sum: Float = -6
        for _ in 0..<12 { sum += uniform() }
        return sum
    }
}

/// Draws numbers with given weights in constant time: Walker's alias method, Vose's construction
/// (IEEE Transactions on Software Engineering 17(9), 1991).
struct WeightedChoice: Sendable {
    private var threshold: [Float]
    private var alias: [Int32]

    /// Takes positive weights of 0, 1, 2, …; at least one.
    init(_ weights: [Double]) {
        let count = weights.count
        precondition(count > 0 && count <= Int32.max)
        let mean = weights.reduce(0, +) / Double(count)
        var scaled = weights.map { $0 / mean }
        threshold = Array(repeating: 1, count: count)
        alias = Array(0..<Int32(count))
        var small = scaled.indices.filter { scaled[$0] < 1 }
        var large = scaled.indices.filter { scaled[$0] >= 1 }
        while let low = small.popLast(), let high = large.last {
            threshold[low] = Float(scaled[low])
            alias[low] = Int32(high)
            scaled[high] -= 1 - scaled[low]
            if scaled[high] < 1 {
                large.removeLast()
                small.append(high)
            }
        }
    }

    /// Weights 1/1^s, 1/2^s, 1/3^s, …: Zipf's law.
    static func zipf(_ count: Int, exponent: Double) -> WeightedChoice {
        WeightedChoice(
            (1...max(count, 1)).map { PortableMath.exp(-exponent * PortableMath.log(Double($0))) }
        )
    }

    /// Draws a number.
    func draw(_ random: inout RandomSource) -> Int {
        let index = random.index(threshold.count)
        return random.uniform() < threshold[index] ? index : Int(alias[index])
    }
}
