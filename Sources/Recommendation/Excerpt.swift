import Learning

/// Shows foreign bytes in a message: short, quoted, printable.
enum Excerpt {
    /// Bytes shown of a longer value.
    static let limit = 40

    /// The beginning of `bytes` in quotes, other than printable ASCII escaped, and the length when
    /// it was cut.
    static func quoted(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = "\""
        for byte in bytes.prefix(limit) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: text.unicodeScalars.append(UnicodeScalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + (bytes.count > limit ? "…\" (\(bytes.count) bytes)" : "\"")
    }

    /// The same for bytes in an array.
    static func quoted(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { quoted($0) } }
}
