import CZstd

/// Zstandard frames (RFC 8878), decompressed by libzstd.
enum Zstandard {
    /// Decompresses one frame or several, with or without their size in the header.
    static func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into output: inout DecompressionBuffer
    ) throws(Decompressor.Failure) {
        guard let stream = ZSTD_createDStream() else {
            throw Decompressor.Failure(reason: "zstd has no memory")
        }
        defer { ZSTD_freeDStream(stream) }
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var expected = 1
        repeat {
            let room = try output.room()
            var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let before = input.pos
            expected = ZSTD_decompressStream(stream, &target, &input)
            guard ZSTD_isError(expected) == 0 else {
                throw Decompressor.Failure(reason: "the zstd data is damaged")
            }
            output.advance(target.pos)
            if target.pos == 0, input.pos == before, input.pos == input.size {
                if expected == 0 { break }
                throw Decompressor.Failure(reason: "the zstd data ends early")
            }
        } while expected != 0 || input.pos < input.size
    }
}
