/// What a user did with an item: one event of the topic `interactions`.
struct Interaction: Sendable, Equatable {
    /// The user's id, UTF-8, not empty.
    var user: [UInt8]
    /// The item's id, UTF-8, not empty.
    var item: [UInt8]
    /// How much the user liked it; nil stands for 1.
    var value: Double?
    /// When it happened, in milliseconds since 1970.
    var timestamp: Int64
    /// Identifies the event, so that a copy of it can be dropped; nil for none.
    var id: [UInt8]?
}

/// Writes interactions as JSON into memory that is used again for the next one.
struct InteractionEncoder {
    /// The JSON of the interaction encoded last.
    private(set) var bytes: [UInt8] = []

    /// Encodes an interaction: `{"user":"u1","item":"i2","value":4,"timestamp":1704067200000}`.
    mutating func encode(_ interaction: Interaction) {
        bytes.removeAll(keepingCapacity: true)
        append("{\"user\":")
        appendText(interaction.user)
        append(",\"item\":")
        appendText(interaction.item)
        if let value = interaction.value {
            append(",\"value\":")
            if let whole = Int64(exactly: value) { append(whole) } else { append("\(value)") }
        }
        append(",\"timestamp\":")
        append(interaction.timestamp)
        if let id = interaction.id {
            append(",\"id\":")
            appendText(id)
        }
        append("}")
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func append(_ text: StaticString) {
        let start = text.utf8Start
        bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(_ number: Int64) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    private mutating func appendText(_ text: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                append("\\u00")
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
