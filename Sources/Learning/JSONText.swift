/// Pieces of JSON text as bytes, for answers and headers that are written by hand.
package enum JSONText {
    /// Appends a string with quotes.
    ///
    /// `utf8` must be valid UTF-8.
    package static func append(_ utf8: some Sequence<UInt8>, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
            case 0x0A: text.append(contentsOf: "\\n".utf8)
            case 0x0D: text.append(contentsOf: "\\r".utf8)
            case 0x09: text.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let hexadecimal = String(byte, radix: 16)
                text.append(contentsOf: "\\u00".utf8)
                if hexadecimal.utf8.count == 1 { text.append(UInt8(ascii: "0")) }
                text.append(contentsOf: hexadecimal.utf8)
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}

/// Whether bytes are valid UTF-8.
package enum UTF8Check {
    /// Whether no byte is 128 or more.
    package static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var allBits: UInt8 = 0
        for byte in bytes { allBits |= byte }
        return allBits < 0x80
    }

    /// Whether all of `bytes` is valid UTF-8; the empty string is.
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            if lead < 0x80 {
                index += 1
                continue
            }
            // Table 3-7 of the Unicode standard: length and the range of the second byte.
            let length: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch lead {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            case 0xF1...0xF3: length = 4
            default: return false
            }
            guard bytes.count - index >= length, second.contains(bytes[index + 1]) else {
                return false
            }
            for offset in 2..<max(length, 2) where bytes[index + offset] & 0xC0 != 0x80 {
                return false
            }
            index += length
        }
        return true
    }
}
