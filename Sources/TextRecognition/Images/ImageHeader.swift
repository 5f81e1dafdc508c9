/// What the first bytes of a picture's file say of it, found without decoding anything.
///
/// Only positions inside the file are read, whatever it claims.
public struct ImageHeader: Sendable, Equatable {
    /// The kinds of files that can be read.
    public enum Format: String, Sendable {
        /// Portable Network Graphics, ISO/IEC 15948.
        case png
        /// JPEG, ITU-T T.81.
        case jpeg
    }

    /// The kind of file.
    public var format: Format
    /// Pixels in a row as stored, from 1 to 2^31 - 1.
    public var width: Int
    /// Rows as stored, from 1 to 2^31 - 1.
    public var height: Int
    /// How the picture must be turned to be upright.
    public var orientation: ImageOrientation

    /// Reads the header of a PNG or JPEG.
    ///
    /// - Throws: When the bytes are neither, or end before the size is told.
    public init(of bytes: UnsafeRawBufferPointer) throws(TextRecognitionError) {
        if bytes.starts(with: Self.pngSignature) {
            self = try Self.png(bytes)
        } else if bytes.starts(with: [0xFF, 0xD8]) {
            self = try Self.jpeg(bytes)
        } else {
            throw TextRecognitionError(
                .format,
                bytes.isEmpty
                    ? "the picture has no bytes"
                    : "the picture begins with \(Self.hexadecimal(bytes.prefix(4))), neither PNG "
                        + "nor JPEG",
                remedy: "send a PNG or a JPEG file"
            )
        }
    }

    init(_ format: Format, width: Int, height: Int) throws(TextRecognitionError) {
        guard (1...Int(Int32.max)).contains(width), (1...Int(Int32.max)).contains(height) else {
            throw Self.damaged(format, "its size is \(width) × \(height)", at: 0)
        }
        self.format = format
        self.width = width
        self.height = height
        orientation = .upright
    }

    /// An error about a file that does not hold what its format demands.
    static func damaged(
        _ format: Format,
        _ what: String,
        at offset: Int
    ) -> TextRecognitionError {
        let name = format == .png ? "PNG" : "JPEG"
        return TextRecognitionError(
            .format,
            "the \(name) cannot be decoded at byte \(offset): \(what)",
            remedy: "the file is damaged or unusual; save or send it again"
        )
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}

/// PNG: a signature, then chunks of length, name, contents and checksum; section 5 of the standard.
extension ImageHeader {
    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private static func png(
        _ bytes: UnsafeRawBufferPointer
    ) throws(TextRecognitionError) -> ImageHeader {
        let fields = BigEndianFields(bytes)
        guard let name = fields.uint32(12), name == chunkName("IHDR"),
            let width = fields.uint32(16), let height = fields.uint32(20)
        else { throw damaged(.png, "the header is not there or not whole", at: 8) }
        var header = try ImageHeader(.png, width: width, height: height)
        var offset = pngSignature.count
        while let length = fields.uint32(offset), let name = fields.uint32(offset + 4) {
            let contents = offset + 8
            guard length <= bytes.count - contents else { break }
            if name == chunkName("eXIf") {
                let exif = UnsafeRawBufferPointer(rebasing: bytes[contents..<(contents + length)])
                header.orientation = ImageOrientation(exif: exif)
                break
            }
            offset = contents + length + 4
        }
        return header
    }

    private static func chunkName(_ name: StaticString) -> Int {
        name.withUTF8Buffer { $0.reduce(0) { $0 << 8 | Int($1) } }
    }
}

/// JPEG: markers, most of which begin a segment with its length; Annex B of the standard.
extension ImageHeader {
    private static func jpeg(
        _ bytes: UnsafeRawBufferPointer
    ) throws(TextRecognitionError) -> ImageHeader {
        let fields = BigEndianFields(bytes)
        var orientation: ImageOrientation?
        var offset = 2
        while offset < bytes.count {
            // As libjpeg does it: bytes that are no marker are skipped, and any number of FF may
            // stand before one.
            guard bytes[offset] == 0xFF else {
                offset += 1
                continue
            }
            while offset < bytes.count, bytes[offset] == 0xFF { offset += 1 }
            guard offset < bytes.count else { break }
            let marker = bytes[offset]
            offset += 1
            // A zero byte, restarts and TEM stand alone.
            if marker == 0 || marker == 1 || (0xD0...0xD7).contains(marker) { continue }
            guard marker != 0xD8, marker != 0xD9, marker != 0xDA else { break }
            guard let length = fields.uint16(offset), length >= 2 else { break }
            if isFrame(marker), let height = fields.uint16(offset + 3),
                let width = fields.uint16(offset + 5)
            {
                var header = try ImageHeader(.jpeg, width: width, height: height)
                header.orientation = orientation ?? .upright
                return header
            }
            if marker == 0xE1, orientation == nil {
                let end = min(offset + length, bytes.count)
                let segment = UnsafeRawBufferPointer(
                    rebasing: bytes[(offset + 2)..<max(offset + 2, end)]
                )
                if segment.starts(with: Array("Exif\0\0".utf8)) {
                    let exif = UnsafeRawBufferPointer(rebasing: segment[6...])
                    orientation = ImageOrientation(exif: exif)
                }
            }
            offset += length
        }
        throw damaged(.jpeg, "it ends before its size is told", at: min(offset, bytes.count))
    }

    /// SOF0 to SOF15 without the tables that have numbers among them.
    private static func isFrame(_ marker: UInt8) -> Bool {
        (0xC0...0xCF).contains(marker) && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
    }
}

/// Numbers in a file, most significant byte first; nil where the file has ended.
struct BigEndianFields {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func uint16(_ offset: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - 2 else { return nil }
        return Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
    }

    func uint32(_ offset: Int) -> Int? {
        guard let high = uint16(offset), let low = uint16(offset + 2) else { return nil }
        return high << 16 | low
    }
}
