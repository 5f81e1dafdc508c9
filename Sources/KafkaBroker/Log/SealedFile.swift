import CKernels
import KafkaWire

/// The form of the small files beside a log: four letters, 64-bit integers, a checksum.
///
/// All of it is big-endian. A file that is cut off, damaged or of another kind reads as nil, as if
/// absent. Whoever changes what a kind's integers mean changes its letters.
enum SealedFile {
    /// Puts integers into the form.
    static func seal(_ kind: StaticString, _ numbers: [Int64]) -> [UInt8] {
        var writer = WireWriter(capacity: 8 + 8 * numbers.count)
        writer.raw(kind.description.utf8)
        for number in numbers { writer.integer(number) }
        writer.integer(writer.bytes.withUnsafeBytes { CRC32C.checksum($0) })
        return writer.bytes
    }

    /// Reads the integers; nil if kind or checksum are wrong.
    static func open(_ kind: StaticString, _ bytes: [UInt8]) -> Numbers? {
        guard bytes.count >= 8, bytes.count % 8 == 0, bytes.starts(with: kind.description.utf8)
        else { return nil }
        return bytes.withUnsafeBytes { bytes in
            let sealed = UnsafeRawBufferPointer(rebasing: bytes.dropLast(4))
            let checksum = bytes.loadUnaligned(fromByteOffset: sealed.count, as: UInt32.self)
            guard CRC32C.checksum(sealed) == UInt32(bigEndian: checksum) else { return nil }
            let numbers = stride(from: 4, to: sealed.count, by: 8).map {
                Int64(bigEndian: sealed.loadUnaligned(fromByteOffset: $0, as: Int64.self))
            }
            return Numbers(rest: numbers[...])
        }
    }

    /// The integers of a file, one after another.
    struct Numbers {
        fileprivate var rest: ArraySlice<Int64>

        var isAtEnd: Bool { rest.isEmpty }

        /// The next one; 0 after the last.
        mutating func next() -> Int64 { rest.popFirst() ?? 0 }

        /// The next one as the count of what follows, of which there cannot be more than integers.
        mutating func count() -> Int { Int(max(0, min(next(), Int64(rest.count)))) }
    }
}

/// The checksum of record batches and of the log's small files.
enum CRC32C {
    /// The checksum of some bytes, continuing from that of the bytes before them.
    static func checksum(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        ck_crc32c(previous, bytes.baseAddress, bytes.count)
    }
}
