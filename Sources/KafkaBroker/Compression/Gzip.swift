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
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, size) == Z_OK else {
            throw Decompressor.Failure(reason: "zlib has no memory")
        }
        defer { inflateEnd(&stream) }
        try output.fill(from: bytes) { input, room in
            let (given, offered) = (min(input.count, 1 << 30), min(room.count, 1 << 30))
            // zlib only reads its input.
            stream.next_in = .init(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(given)
            stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(offered)
            let status = inflate(&stream, Z_NO_FLUSH)
            guard status == Z_OK || status == Z_STREAM_END else { return nil }
            if status == Z_STREAM_END, inflateReset(&stream) != Z_OK { return nil }
            return (
                given - Int(stream.avail_in), offered - Int(stream.avail_out),
                status == Z_STREAM_END
            )
        }
    }
}
