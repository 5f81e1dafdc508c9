package import KafkaSamples

/// Changes bytes as broken clients, bad networks and attackers do.
package enum Damage {
    /// Numbers that lengths and counts must not be trusted with.
    private static let wild: [UInt64] = [
        0, 1, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 200_000, 1 << 20,
    ]

    /// Changes a few places.
    ///
    /// - Parameters:
    ///   - bytes: What is changed.
    ///   - other: Bytes of the same kind, to take pieces from.
    ///   - random: Decides.
    package static func apply(
        to bytes: inout [UInt8],
        with other: [UInt8],
        _ random: inout SplitMix
    ) {
        for _ in 0...random.next(below: 4) {
            guard !bytes.isEmpty else { return bytes = other }
            let at = random.next(below: bytes.count)
            let length = min(bytes.count - at, 1 + random.next(below: 16))
            switch random.next(below: 9) {
            case 0: bytes[at] ^= 1 << UInt8(random.next(below: 8))
            case 1: bytes[at] = UInt8(truncatingIfNeeded: wild[random.next(below: wild.count)])
            case 2: bytes.removeSubrange(at...)
            case 3: bytes.removeSubrange(at..<at + length)
            case 4: bytes.insert(contentsOf: noise(length, &random), at: at)
            case 5: overwrite(&bytes, at, [2, 4, 8][random.next(below: 3)], &random)
            case 6: bytes.insert(contentsOf: varint(&random), at: at)
            case 7: bytes.replaceSubrange(at..., with: other.suffix(random.next(below: 200)))
            default:
                let piece = Array(bytes[at..<at + length])
                for _ in 0...random.next(below: 40) { bytes.insert(contentsOf: piece, at: at) }
            }
        }
    }

    /// Bytes without any meaning.
    package static func noise(_ count: Int, _ random: inout SplitMix) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private static func overwrite(
        _ bytes: inout [UInt8],
        _ at: Int,
        _ width: Int,
        _ random: inout SplitMix
    ) {
        let number = wild[random.next(below: wild.count)]
        let digits = (0..<width).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
        for (offset, digit) in digits.reversed().enumerated() where at + offset < bytes.count {
            bytes[at + offset] = digit
        }
    }

    /// A varint of up to eleven bytes, one more than any may have.
    private static func varint(_ random: inout SplitMix) -> [UInt8] {
        let more = random.next(below: 11)
        return (0..<more).map { _ in UInt8(truncatingIfNeeded: random.next()) | 0x80 }
            + [UInt8(truncatingIfNeeded: random.next()) & 0x7F]
    }
}
