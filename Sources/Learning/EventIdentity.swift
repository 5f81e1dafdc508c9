/// 128 bits that stand for an event's `id`.
///
/// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein, "SipHash: a fast short-input PRF",
/// 2012; the longer output is that of the authors' reference code). Two different ids among a
/// million have the same one with a probability below 10⁻²⁶.
public struct EventIdentity: Hashable, Sendable {
    /// The first half.
    public let low: UInt64
    /// The second half.
    public let high: UInt64

    /// Stands for no identity; no id has it.
    public static let none = EventIdentity(low: 0, high: 0)

    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The identity of an id.
    public init(_ id: UnsafeRawBufferPointer) {
        // Any fixed key will do, as long as it never changes: windows are kept in checkpoints.
        var hash = SipHash(key: (0x7465_6873_6572_6621, 0x6964_656e_7469_7479))
        let (low, high) = hash.hash(id)
        self.init(low: low, high: (low | high) == 0 ? 1 : high)
    }
}

/// SipHash-2-4 with 128 bits of output.
struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(key: (UInt64, UInt64)) {
        v0 = 0x736f_6d65_7073_6575 ^ key.0
        v1 = 0x646f_7261_6e64_6f6d ^ key.1 ^ 0xee
        v2 = 0x6c79_6765_6e65_7261 ^ key.0
        v3 = 0x7465_6462_7974_6573 ^ key.1
    }

    mutating func hash(_ bytes: UnsafeRawBufferPointer) -> (low: UInt64, high: UInt64) {
        let wordCount = bytes.count / 8
        for word in 0..<wordCount {
            let value = bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)
            compress(UInt64(littleEndian: value))
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for index in (wordCount * 8)..<bytes.count {
            last |= UInt64(bytes[index]) << UInt64(8 * (index & 7))
        }
        compress(last)
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return (low, v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v1 = Self.rotate(v1, 13) ^ v0
        v0 = Self.rotate(v0, 32)
        v2 &+= v3
        v3 = Self.rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = Self.rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = Self.rotate(v1, 17) ^ v2
        v2 = Self.rotate(v2, 32)
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
