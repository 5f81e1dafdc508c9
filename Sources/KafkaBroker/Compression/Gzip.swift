import CZlib

/// The gzip format (RFC 1952), decompressed by zlib.
enum Gzip {
    /// Decompresses one member or several.
    static func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into output: inout DecompressionBuffer
    ) throws(Decompressor.Failure) {
        var stream = z_stream()
        // 15 is the largest window, 16 asks for a gzip header (zlib.h, inflateInit2).
        guard
            inflateInit2_(
                &stream,
                15 + 16,
                ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)
            ) == Z_OK
        else { throw Decompressor.Failure(reason: "zlib has no memory") }
        defer { inflateEnd(&stream) }
        guard let count = UInt32(exactly: bytes.count) else {
            throw Decompressor.Failure(reason: "the gzip data is too long")
        }
        let input = bytes.bindMemory(to: UInt8.self).baseAddress
        stream.next_in = UnsafeMutablePointer(mutating: input)  // zlib only reads it.
        stream.avail_in = count
        while true {
            let room = try output.room()
            let offered = UInt32(min(room.count, 1 << 30))
            stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = offered
            let status = inflate(&stream, Z_NO_FLUSH)
            output.advance(Int(offered - stream.avail_out))
            switch status {
            case Z_OK: continue
            case Z_STREAM_END:
                if stream.avail_in == 0 { return }
                guard inflateReset(&stream) == Z_OK else {
                    throw Decompressor.Failure(reason: "the gzip data is damaged")
                }
            default: throw Decompressor.Failure(reason: "the gzip data is damaged (\(status))")
            }
        }
    }
}
