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
}
