/// A 16-byte identifier as Kafka uses it for topics; all zero means "none".
public struct UUID16: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The first eight bytes, big-endian.
    public var high: UInt64
    /// The last eight bytes, big-endian.
    public var low: UInt64

    /// Makes an identifier of its two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// No identifier.
    public static let zero = UUID16(high: 0, low: 0)

    /// A random identifier (version 4) that does not begin with "-" as text, as Kafka demands.
    public static func random() -> UUID16 {
        var generator = SystemRandomNumberGenerator()
        while true {
            let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
            let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
            let id = UUID16(high: high, low: low)
            if !id.description.hasPrefix("-") { return id }
        }
    }

    /// The 16 bytes in wire order.
    public var bytes: [UInt8] {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
    }

    /// URL-safe base64 without padding, 22 characters, as Kafka's tools print it.
    public var description: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let bits = UInt128(high) << 64 | UInt128(low)
        // 21 groups of six bits, and one that is filled up with four zeros.
        let groups =
            stride(from: 122, through: 2, by: -6).map { bits >> $0 & 63 } + [bits << 4 & 63]
        return String(groups.map { alphabet[Int($0)] })
    }
}
