import CKernels
import KafkaWire

/// The form of the small files beside a log: four letters, a version, the content, a checksum.
///
/// All integers are big-endian. A file that is cut off or damaged reads as nil, as if absent.
enum SealedFile {
    private static let version: UInt16 = 1

    /// Puts content into the form.
    static func seal(_ kind: StaticString, _ content: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter(capacity: 1024)
        writer.raw(kind.description.utf8)
        writer.integer(version)
        content(&writer)
        writer.integer(writer.bytes.withUnsafeBytes { CRC32C.checksum($0) })
        return writer.bytes
    }

    /// Reads content from the form; nil if kind, version or checksum are wrong, or if `content`
    /// throws.
    static func open<Value>(
        _ kind: StaticString,
        _ bytes: [UInt8],
        _ content: (inout WireReader) throws(WireError) -> Value?
    ) -> Value? {
        guard bytes.count >= 10, bytes.prefix(4).elementsEqual(kind.description.utf8) else {
            return nil
        }
        return bytes.withUnsafeBytes { all -> Value? in
            let sealed = UnsafeRawBufferPointer(rebasing: all.dropLast(4))
            do throws(WireError) {
                var end = WireReader(all, position: sealed.count)
                guard try end.integer(as: UInt32.self) == CRC32C.checksum(sealed) else {
                    return nil
                }
                var reader = WireReader(sealed, position: 4)
                guard try reader.integer(as: UInt16.self) == version else { return nil }
                return try content(&reader)
            } catch {
                return nil
            }
        }
    }
}

/// The checksum of record batches and of the log's small files.
enum CRC32C {
    /// The checksum of some bytes, continuing from that of the bytes before them.
    static func checksum(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        ck_crc32c(previous, bytes.baseAddress, bytes.count)
    }
}
