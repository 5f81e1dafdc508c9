import CSnappy

/// Snappy as Kafka's clients write it: raw blocks, or Java's framing of them (snappy-java's
/// SnappyOutputStream, "xerial").
enum Snappy {
    private static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00]
    /// Magic, version and compatible version.
    private static let headerByteCount = 16

    /// Decompresses one raw block, or all blocks of the framing.
    static func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into output: inout DecompressionBuffer
    ) throws(Decompressor.Failure) {
        guard bytes.count >= headerByteCount, bytes.prefix(magic.count).elementsEqual(magic) else {
            return try decompressBlock(bytes, into: &output)
        }
        var position = headerByteCount
        while position < bytes.count {
            guard bytes.count - position >= 4 else {
                throw Decompressor.Failure(reason: "the snappy framing ends early")
            }
            let size = Int(
                UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            )
            position += 4
            guard size <= bytes.count - position else {
                throw Decompressor.Failure(reason: "a snappy block of \(size) bytes is cut off")
            }
            let block = UnsafeRawBufferPointer(rebasing: bytes[position..<position + size])
            try decompressBlock(block, into: &output)
            position += size
        }
    }

    private static func decompressBlock(
        _ block: UnsafeRawBufferPointer,
        into output: inout DecompressionBuffer
    ) throws(Decompressor.Failure) {
        let input = block.bindMemory(to: CChar.self).baseAddress
        var count = 0
        guard snappy_uncompressed_length(input, block.count, &count) == SNAPPY_OK else {
            throw Decompressor.Failure(reason: "the snappy data is damaged")
        }
        let room = try output.room(count)
        count = room.count
        let target = room.bindMemory(to: CChar.self).baseAddress
        guard snappy_uncompress(input, block.count, target, &count) == SNAPPY_OK else {
            throw Decompressor.Failure(reason: "the snappy data is damaged")
        }
        output.advance(count)
    }
}
