import CLZ4

/// The LZ4 frame format, decompressed by liblz4.
enum LZ4Frame {
    /// Decompresses one frame or several.
    static func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into output: inout DecompressionBuffer
    ) throws(Decompressor.Failure) {
        var created: OpaquePointer?
        let status = LZ4F_createDecompressionContext(&created, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(status) == 0, let context = created else {
            throw Decompressor.Failure(reason: "lz4 has no memory")
        }
        defer { LZ4F_freeDecompressionContext(context) }
        var position = 0
        var expected = 1
        repeat {
            let room = try output.room()
            var written = room.count
            var read = bytes.count - position
            let input = bytes.baseAddress.map { $0 + position }
            expected = LZ4F_decompress(context, room.baseAddress, &written, input, &read, nil)
            guard LZ4F_isError(expected) == 0 else {
                throw Decompressor.Failure(reason: "the lz4 data is damaged")
            }
            output.advance(written)
            position += read
            if read == 0, written == 0 {
                throw Decompressor.Failure(reason: "the lz4 data ends early")
            }
        } while expected != 0 || position < bytes.count
    }
}
