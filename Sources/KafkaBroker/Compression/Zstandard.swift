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
        try output.fill(from: bytes) { input, room in
            var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let expected = ZSTD_decompressStream(stream, &target, &source)
            return ZSTD_isError(expected) == 0 ? (source.pos, target.pos, expected == 0) : nil
        }
    }
}
