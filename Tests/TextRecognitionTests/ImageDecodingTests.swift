import Foundation
import FuzzImages
import Testing

@testable import TextRecognition

@Suite struct ImageDecodingTests {
    @Test func `pictures of every kind have the pixels that Pillow reads`() throws {
        let expected = try ReferenceImages.expected()
        #expect(expected.count >= 20)
        for (name, picture) in expected {
            let image = try GrayImage(decoding: ReferenceImages.file(name))
            #expect(image.width == picture.width && image.height == picture.height, "\(name)")
            let farthest = zip(image.pixels, picture.pixels).reduce(0) {
                max($0, abs(Int($1.0) - Int($1.1)))
            }
            // PNG is exact; another libjpeg may round the cosine transform otherwise.
            #expect(farthest <= (name.hasSuffix(".png") ? 0 : 1), "\(name) is off by \(farthest)")
        }
    }

    @Test func `a picture that is cut off anywhere is refused, with the byte`() throws {
        for name in try ReferenceImages.names() where name != "cmyk.jpg" {
            let bytes = try ReferenceImages.file(name)
            // The last four bytes of a PNG are a checksum, the last two of a JPEG say that it ends.
            for count in stride(from: 0, to: bytes.count - 4, by: 3) {
                let error = #expect(throws: TextRecognitionError.self, "\(name), \(count) bytes") {
                    try GrayImage(decoding: Array(bytes.prefix(count)))
                }
                #expect(error?.kind == .format)
            }
        }
        let half = try ReferenceImages.file("rgb16.png").prefix(2000)
        let error = #expect(throws: TextRecognitionError.self) {
            try GrayImage(decoding: Array(half))
        }
        #expect(error?.message.contains("at byte 2000: the file ends too early") == true)
    }

    @Test func `what is no picture is refused by its first bytes`() {
        for (bytes, text) in [
            ([], "the picture has no bytes"),
            (Array("GIF89a".utf8), "the picture begins with 47 49 46 38, neither PNG nor JPEG"),
            ([0x89], "the picture begins with 89, neither PNG nor JPEG"),
        ] as [([UInt8], String)] {
            let error = #expect(throws: TextRecognitionError.self) {
                try GrayImage(decoding: bytes)
            }
            #expect(error?.message == text)
        }
    }

    @Test func `limits are checked by the header alone`() throws {
        // A header and nothing else: whoever decoded would complain of the rest.
        let png = try ReferenceImages.file("rgb.png").prefix(33)
        var huge = Array(png)
        huge.replaceSubrange(16..<24, with: [0, 0, 0x80, 0, 0, 0, 0x80, 0])
        var long = Array(png)
        long.replaceSubrange(16..<24, with: [0, 0, 0x10, 0, 0, 0, 0, 8])
        var empty = Array(png)
        empty.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 8])
        func message(_ bytes: [UInt8], _ limits: ImageLimits = ImageLimits()) -> String? {
            #expect(throws: TextRecognitionError.self) {
                try GrayImage(decoding: bytes, limits: limits)
            }?.message
        }
        #expect(message(huge) == "the picture has 32768 × 32768 pixels, 25000000 are allowed")
        #expect(
            message(long) == "the picture has 4096 × 8 pixels, sides of 1 to 128 are allowed"
        )
        #expect(message(empty)?.contains("its size is 0 × 8") == true)
        #expect(
            message(huge, ImageLimits(byteCount: 32)) == "the picture has 33 bytes, 32 are allowed"
        )
    }

    @Test func `a JPEG of inks is refused by name`() throws {
        let bytes = try ReferenceImages.file("cmyk.jpg")
        let error = #expect(throws: TextRecognitionError.self) { try GrayImage(decoding: bytes) }
        #expect(error?.message.contains("CMYK") == true)
    }

    @Test func `a progressive JPEG of too many scans is refused`() throws {
        let bytes = try ReferenceImages.file("progressive.jpg")
        let starts = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
        let start = try #require(starts.first)
        let end = try #require(
            bytes.indices.dropLast().first {
                $0 > start && bytes[$0] == 0xFF && ![0, 0xDA].contains(bytes[$0 + 1])
            }
        )
        // A table of one code, and a scan for each of 40 coefficients of the first component, whose
        // 5 × 3 blocks hold nothing: 30 bytes that cost a walk over all blocks.
        let table: [UInt8] = [0xFF, 0xC4, 0, 20, 0x10, 1] + [UInt8](repeating: 0, count: 16)
        var bomb = bytes[..<end] + table
        for coefficient in UInt8(1)...40 {
            bomb += [0xFF, 0xDA, 0, 8, 1, bytes[start + 5], 0, coefficient, coefficient, 0, 0, 1]
        }
        bomb += bytes[end...]
        let limits = ImageLimits(scanCount: 41)
        #expect(throws: Never.self) {
            try GrayImage(
                decoding: Array(bomb[..<(bomb.count - bytes[end...].count)] + [0xFF, 0xD9]),
                limits: limits
            )
        }
        let error = #expect(throws: TextRecognitionError.self) {
            try GrayImage(decoding: Array(bomb))
        }
        #expect(error?.message.contains("too many scans") == true)
    }

    @Test func `a PNG that is written is the one that is read`() throws {
        let image = ReferenceImages.gradient(width: 67, height: 31)
        for level in [0, 4, 9] {
            #expect(try GrayImage(decoding: image.png(compression: level)) == image)
        }
        let pixel = GrayImage(width: 1, height: 1, pixels: [77])
        #expect(try GrayImage(decoding: pixel.png()) == pixel)
    }

    @Test func `a JPEG that is written is nearly the one that is read`() throws {
        let image = ReferenceImages.gradient(width: 67, height: 31)
        let (fine, coarse) = (image.jpeg(quality: 95), image.jpeg(quality: 10))
        #expect(coarse.count < fine.count)
        let read = try GrayImage(decoding: fine)
        #expect(read.width == 67 && read.height == 31)
        let farthest = zip(read.pixels, image.pixels).reduce(0) {
            max($0, abs(Int($1.0) - Int($1.1)))
        }
        #expect(farthest < 12)
    }

    @Test func `damaged pictures are refused or decoded, and nothing else`() throws {
        var run = try ImageFuzzRun(seed: 20_261_121)
        for index in 0..<3000 { run.run(UInt64(index)) }
        #expect(run.failures.isEmpty, "\(run.failures)")
        #expect(run.intact > 50 && run.accepted > 50 && run.refused > 1000)
    }
}
