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
        var rest = bytes[headerByteCount...]
        while !rest.isEmpty {
            let size = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4, size <= rest.count - 4 else {
                throw Decompressor.Failure(reason: "a snappy block is cut off")
            }
            rest.removeFirst(4)
            try decompressBlock(UnsafeRawBufferPointer(rebasing: rest.prefix(size)), into: &output)
            rest.removeFirst(size)
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
