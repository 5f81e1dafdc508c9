/// Random numbers that depend on a key only: the same seed, partition and offset give the same
/// numbers on every machine, in whatever order and batches events arrive.
///
/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
@frozen
public struct KeyedRandom: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// Numbers for one key; `purpose` keeps different uses of the same event apart.
    @inlinable
    public init(seed: UInt64, purpose: UInt64, partition: Int32, offset: Int64) {
        var key = seed &+ purpose &* 0xD134_2543_DE82_EF95
        key = Self.mix(key) ^ UInt64(UInt32(bitPattern: partition))
        state = Self.mix(key) ^ UInt64(bitPattern: offset)
        state = Self.mix(state)
    }

    /// Numbers for a key that has been hashed already.
    @inlinable
    public init(key: UInt64) { state = key }

    /// The next 64 bits.
    @inlinable
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// An integer in `0..<bound`, its bias below bound / 2^64.
    ///
    /// `bound` must be positive.
    @inlinable
    public mutating func index(below bound: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number in `0..<1`.
    @inlinable
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    @inlinable
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
