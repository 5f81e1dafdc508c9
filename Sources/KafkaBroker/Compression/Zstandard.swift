import CZstd

/// Zstandard frames (RFC 8878), decompressed by libzstd.
enum Zstandard {
    /// Decompresses one frame or several, with or without their size in the header.
    ///
    /// Each attempt decompresses everything into one piece of memory. Then the records themselves
    /// are the window, and that which a frame asks for takes no memory: 128 MiB at level 22, and
    /// whatever an attacker writes there.
    static func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into output: inout DecompressionBuffer
    ) throws(Decompressor.Failure) {
        var room = try output.room(1)
        while true {
            let count = ZSTD_decompress(
                room.baseAddress,
                room.count,
                bytes.baseAddress,
                bytes.count
            )
            if ZSTD_isError(count) == 0 { return output.advance(count) }
            guard ZSTD_getErrorCode(count) == ZSTD_error_dstSize_tooSmall else {
                throw Decompressor.Failure(reason: "the zstd data is damaged")
            }
            room = try output.moreRoom()
        }
    }
}
