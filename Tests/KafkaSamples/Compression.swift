import CLZ4
import CSnappy
import CZlib
import CZstd
package import KafkaWire

/// Compresses records as Kafka's clients do.
package enum Compressed {
    /// Compresses records by any of the codecs.
    package static func records(
        _ bytes: [UInt8],
        _ compression: RecordBatchHeader.Compression
    ) -> [UInt8] {
        switch compression {
        case .none: bytes
        case .gzip: gzip(bytes)
        case .snappy: snappy(bytes)
        case .lz4: lz4(bytes)
        case .zstd: zstd(bytes)
        }
    }

    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + 1024)
        var stream = z_stream()
        deflateInit2_(
            &stream,
            6,
            Z_DEFLATED,
            15 + 16,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        let (inputCount, outputCount) = (UInt32(input.count), UInt32(output.count))
        input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = inputCount
                stream.next_out = output.baseAddress
                stream.avail_out = outputCount
                deflate(&stream, Z_FINISH)
            }
        }
        deflateEnd(&stream)
        return Array(output.prefix(Int(stream.total_out)))
    }

    static func snappy(_ bytes: [UInt8]) -> [UInt8] {
        var output = [CChar](repeating: 0, count: snappy_max_compressed_length(bytes.count))
        var count = output.count
        snappy_compress(bytes.map { CChar(bitPattern: $0) }, bytes.count, &output, &count)
        return output.prefix(count).map { UInt8(bitPattern: $0) }
    }

    /// Java's framing of snappy, in blocks of 1000 bytes.
    package static func xerial(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            let block = snappy(Array(bytes[start..<min(start + 1000, bytes.count)]))
            output += withUnsafeBytes(of: UInt32(block.count).bigEndian) { Array($0) } + block
        }
        return output
    }

    static func lz4(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: LZ4F_compressFrameBound(bytes.count, nil))
        let count = LZ4F_compressFrame(&output, output.count, bytes, bytes.count, nil)
        return Array(output.prefix(count))
    }

    static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let count = ZSTD_compress(&output, output.count, bytes, bytes.count, 3)
        return Array(output.prefix(count))
    }

    /// A Zstandard frame that does not tell its size and asks for a window of 2 GiB, in raw blocks.
    package static func zstdOfGreatestWindow(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, (31 - 10) << 3]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(100_000)
            rest = rest.dropFirst(block.count)
            let header = UInt32(block.count << 3 | (rest.isEmpty ? 1 : 0))
            output += withUnsafeBytes(of: header.littleEndian) { Array($0.prefix(3)) } + block
        } while !rest.isEmpty
        return output
    }

    /// Compresses as a client that does not know yet how much will come.
    package static func zstdStream(_ bytes: [UInt8], level: Int32, windowLog: Int32) -> [UInt8] {
        let context = ZSTD_createCCtx()
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, windowLog)
        var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count) + 1000)
        var target = ZSTD_outBuffer(dst: nil, size: output.count, pos: 0)
        bytes.withUnsafeBytes { bytes in
            output.withUnsafeMutableBytes { output in
                target.dst = output.baseAddress
                for (end, mode) in [(bytes.count / 2, ZSTD_e_continue), (bytes.count, ZSTD_e_end)] {
                    var source = ZSTD_inBuffer(src: bytes.baseAddress, size: end, pos: 0)
                    source.pos = mode == ZSTD_e_end ? bytes.count / 2 : 0
                    while source.pos < end || mode == ZSTD_e_end {
                        if ZSTD_compressStream2(context, &target, &source, mode) == 0 { break }
                    }
                }
            }
        }
        return Array(output.prefix(target.pos))
    }

    /// LZ4 in linked blocks of 4 MiB, which need the most memory to open.
    package static func lz4OfLargestBlocks(_ bytes: [UInt8]) -> [UInt8] {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max4MB
        var context: OpaquePointer?
        LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))
        defer { LZ4F_freeCompressionContext(context) }
        let bound = LZ4F_compressBound(bytes.count, &preferences)
        var output = [UInt8](repeating: 0, count: bound + 64)
        let count = output.withUnsafeMutableBytes { output -> Int in
            guard let start = output.baseAddress else { return 0 }
            var count = LZ4F_compressBegin(context, start, output.count, &preferences)
            count += LZ4F_compressUpdate(
                context,
                start + count,
                output.count - count,
                bytes,
                bytes.count,
                nil
            )
            return count + LZ4F_compressEnd(context, start + count, output.count - count, nil)
        }
        return Array(output.prefix(count))
    }
}
