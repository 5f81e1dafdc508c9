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
        try output.fill(from: bytes) { input, room in
            var (read, written) = (input.count, room.count)
            let expected = LZ4F_decompress(
                context,
                room.baseAddress,
                &written,
                input.baseAddress,
                &read,
                nil
            )
            return LZ4F_isError(expected) == 0 ? (read, written, expected == 0) : nil
        }
    }
}
