@testable import KafkaWire

/// The names that the golden bytes use for the APIs.
let schemasByName = Dictionary(uniqueKeysWithValues: MessageSchema.all.map { ($0.name, $0) })

/// FNV-1a of 64 bits.
func fnv(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}
