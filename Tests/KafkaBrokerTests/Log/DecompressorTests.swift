import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

struct DecompressorTests {
    private static let codecs: [RecordBatchHeader.Compression] = [.gzip, .snappy, .lz4, .zstd]

    private static func text(_ count: Int) -> [UInt8] {
        var random = SplitMix64(state: 3)
        return (0..<count).map { _ in UInt8(97 + random.next() % 7) }
    }

    private static func decompress(
        _ bytes: [UInt8],
        _ codec: RecordBatchHeader.Compression,
        limit: Int = 1 << 24
    ) throws -> [UInt8] {
        try bytes.withUnsafeBytes { bytes in
            try Decompressor().withDecompressed(bytes, codec, limit: limit) { Array($0) }
        }
    }

    @Test(arguments: codecs)
    func `what was compressed comes back`(_ codec: RecordBatchHeader.Compression) throws {
        for count in [0, 1, 1000, 65_536, 65_537, 300_000] {
            let text = Self.text(count)
            #expect(try Self.decompress(Sample.compress(text, codec), codec) == text)
        }
    }

    @Test func `snappy in Java's framing comes back`() throws {
        let text = Self.text(10_500)
        #expect(try Self.decompress(Sample.xerial(text), .snappy) == text)
    }

    @Test(arguments: [(1, 19), (3, 21), (19, 23), (3, 27)] as [(Int32, Int32)])
    func `what a client compresses as it comes, without its size, comes back`(
        _ level: Int32,
        _ windowLog: Int32
    ) throws {
        for count in [0, 1000, 300_000] {
            let text = Self.text(count)
            let bytes = Compressed.zstdStream(text, level: level, windowLog: windowLog)
            #expect(try Self.decompress(bytes, .zstd) == text)
            #expect(try Self.decompress(bytes + bytes, .zstd) == text + text)
        }
    }

    @Test func `a window or block larger than all memory that may be taken is no matter`() throws {
        for count in [0, 1000, 300_000] {
            let text = Self.text(count)
            let limit = max(1, count)
            let zstd = Compressed.zstdOfGreatestWindow(text)
            #expect(try Self.decompress(zstd, .zstd, limit: limit) == text)
            let lz4 = Compressed.lz4OfLargestBlocks(text)
            #expect(try Self.decompress(lz4, .lz4, limit: limit + 1) == text)
        }
    }

    @Test func `a frame that announces more than may come is refused`() {
        // One segment of 2 GiB in a raw block of one byte.
        let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0, 0, 0, 0x80, 9, 0, 0, 65]
        #expect(throws: Decompressor.Failure.self) { try Self.decompress(frame, .zstd) }
        let snappy: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 65]
        #expect(throws: Decompressor.Failure.self) { try Self.decompress(snappy, .snappy) }
    }

    @Test(arguments: codecs)
    func `nothing grows beyond the limit`(_ codec: RecordBatchHeader.Compression) throws {
        let bomb = Sample.compress([UInt8](repeating: 0, count: 3 << 20), codec)
        #expect(throws: Decompressor.Failure.self) {
            try Self.decompress(bomb, codec, limit: 2 << 20)
        }
        #expect(try Self.decompress(bomb, codec, limit: 4 << 20).count == 3 << 20)
    }

    @Test(arguments: codecs)
    func `damaged and cut off bytes are refused`(_ codec: RecordBatchHeader.Compression) throws {
        let text = Self.text(2000)
        let whole = Sample.compress(text, codec)
        for count in stride(from: 0, to: whole.count, by: 13) {
            #expect((try? Self.decompress(Array(whole.prefix(count)), codec)) != text)
        }
        var random = SplitMix64(state: 5)
        for _ in 0..<500 {
            var damaged = whole
            damaged[Int(random.next() % UInt64(whole.count))] ^= UInt8(1 + random.next() % 255)
            _ = try? Self.decompress(damaged, codec)
        }
    }

    @Test func `the limit allows a thousand equal records and stops a bomb`() {
        #expect(Decompressor.limit(forBatchOf: 100) == 16 << 20)
        #expect(Decompressor.limit(forBatchOf: 1 << 20) == 64 << 20)
        #expect(Decompressor.limit(forBatchOf: 100 << 20) == 256 << 20)
    }
}
