import Foundation
import TextRecognition

/// Intact pictures, of which damaged ones are made.
package struct PictureSamples {
    /// The files that can be decoded, in the order of their names.
    package let readable: [[UInt8]]

    /// Reads the pictures of `Tests/Reference/images`, and adds some that hide large contents.
    package init() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Tests/Reference/images")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }.sorted()
        // Inks are refused on purpose.
        let files = try names.filter { $0 != "cmyk.jpg" }
            .map { [UInt8](try Data(contentsOf: folder.appending(path: $0))) }
        let picture = GrayImage(
            width: 120,
            height: 75,
            pixels: (0..<120 * 75).map { index in
                let (x, y) = (index % 120, index / 120)
                return UInt8((2 * x + y * index % 97) % 256)
            }
        )
        let plain = picture.png()
        readable =
            files + [
                plain, picture.jpeg(quality: 80),
                Self.hiding("zTXt", [UInt8(ascii: "k"), 0, 0], in: plain),
                Self.hiding("iCCP", [UInt8(ascii: "k"), 0, 0], in: plain),
                Self.hiding("iTXt", [UInt8(ascii: "k"), 0, 1, 0, 0, 0], in: plain),
            ]
    }

    /// A picture with a chunk that expands to 16 million bytes.
    private static func hiding(_ name: String, _ beginning: [UInt8], in png: [UInt8]) -> [UInt8] {
        let black = GrayImage(width: 4000, height: 4000, filledWith: 0).png()
        let data = PNGChunks(black).chunks.filter { $0.name == Array("IDAT".utf8) }
            .flatMap(\.contents)
        var chunks = PNGChunks(png)
        chunks.chunks.insert(
            PNGChunks.Chunk(name: Array(name.utf8), contents: beginning + data),
            at: 1
        )
        return chunks.bytes
    }
}

/// A PNG as its chunks, so that damage can be hidden from the checksums.
struct PNGChunks {
    struct Chunk {
        var name: [UInt8]
        var contents: [UInt8]
    }

    var chunks: [Chunk] = []
    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The chunks that are whole; none when the bytes are no PNG.
    init(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.signature) else { return }
        var offset = Self.signature.count
        while offset + 12 <= bytes.count {
            let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            let start = offset + 8
            guard start + length + 4 <= bytes.count else { return }
            chunks.append(
                Chunk(
                    name: Array(bytes[offset + 4..<start]),
                    contents: Array(bytes[start..<start + length])
                )
            )
            offset = start + length + 4
        }
    }

    /// The file, with right checksums.
    var bytes: [UInt8] {
        var bytes = Self.signature
        for chunk in chunks {
            bytes += Self.bigEndian(UInt32(chunk.contents.count))
            bytes += chunk.name + chunk.contents
            bytes += Self.bigEndian(Self.checksum(chunk.name + chunk.contents))
        }
        return bytes
    }

    static func bigEndian(_ number: UInt32) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    /// CRC-32 as in annex D of the standard.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crc, byte in
            table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8)
        }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in
            crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1
        }
    }
}
