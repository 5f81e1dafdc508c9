internal import CFreeType
import Synchronization

/// A character as a font draws it in one size.
final class Glyph: Sendable {
    /// Columns of the coverage; 0 for a space.
    let width: Int
    /// Rows of the coverage.
    let height: Int
    /// From the pen to the first column.
    let left: Int
    /// From the base line up to the first row.
    let top: Int
    /// How far the pen goes on, in pixels.
    let advance: Float
    /// How much of each pixel is ink, from 0 to 255, row by row.
    let coverage: [UInt8]

    init(width: Int, height: Int, left: Int, top: Int, advance: Float, coverage: [UInt8]) {
        self.width = width
        self.height = height
        self.left = left
        self.top = top
        self.advance = advance
        self.coverage = coverage
    }
}

/// Characters drawn by FreeType, kept for the next time.
///
/// One at a time uses FreeType, which is not made for more; what it drew is shared.
final class GlyphStore: Sendable {
    private let faces: Mutex<FontFaces>

    /// Opens fonts.
    ///
    /// - Throws: When one is not installed, naming its package.
    init(_ fonts: [CardFont]) throws(TextRecognitionError) {
        faces = Mutex(try FontFaces(fonts))
    }

    /// The characters of a text in a font, whose capital letters are about `capitalHeight` pixels
    /// high.
    func glyphs(_ text: [UInt8], _ font: CardFont, capitalHeight: Double) -> [Glyph] {
        faces.withLock { $0.glyphs(text, font, capitalHeight) }
    }
}

/// FreeType's library and faces, and the characters drawn so far; of one owner at a time.
private final class FontFaces {
    private struct Key: Hashable {
        let font: CardFont
        let size: UInt16
        let character: UInt8
    }

    private struct Face {
        let face: FT_Face
        /// The height of an H in parts of the size.
        let capitals: Double
    }

    private let library: FT_Library
    private var faces: [CardFont: Face] = [:]
    private var drawn: [Key: Glyph] = [:]
    private var drawnByteCount = 0
    /// Of 45 fonts, 40 sizes and 42 characters of 400 bytes about half are drawn in a long run.
    private static let byteLimit = 32 << 20

    init(_ fonts: [CardFont]) throws(TextRecognitionError) {
        var library: FT_Library?
        guard FT_Init_FreeType(&library) == 0, let library else {
            throw TextRecognitionError(
                .unreadable,
                "FreeType cannot begin",
                remedy: "see that there is memory"
            )
        }
        self.library = library
        for font in fonts { faces[font] = try open(font) }
    }

    deinit {
        for face in faces.values { FT_Done_Face(face.face) }
        FT_Done_FreeType(library)
    }

    private func open(_ font: CardFont) throws(TextRecognitionError) -> Face {
        var face: FT_Face?
        guard FT_New_Face(library, font.path, 0, &face) == 0, let face else {
            throw TextRecognitionError(
                .unreadable,
                "the font \(font.path) is not there or cannot be read",
                remedy: "install the Debian package \(font.package), or all with \"make deps\""
            )
        }
        FT_Set_Pixel_Sizes(face, 0, 200)
        let capital = draw("H", face)
        return Face(face: face, capitals: Double(max(capital.height, 1)) / 200)
    }

    func glyphs(_ text: [UInt8], _ font: CardFont, _ capitalHeight: Double) -> [Glyph] {
        guard let face = faces[font] else {
            // Every font that a generator draws with is in `CardFont.all`.
            preconditionFailure("\(font.path) was not opened")
        }
        let size = UInt16(min(max((capitalHeight / face.capitals).rounded(), 4), 400))
        var isSet = false
        return text.map { character in
            let key = Key(font: font, size: size, character: character)
            if let glyph = drawn[key] { return glyph }
            if !isSet {
                FT_Set_Pixel_Sizes(face.face, 0, UInt32(size))
                isSet = true
            }
            let glyph = draw(Unicode.Scalar(character), face.face)
            if drawnByteCount > Self.byteLimit {
                drawn = [:]
                drawnByteCount = 0
            }
            drawn[key] = glyph
            // With the object, its array and the entry of the table.
            drawnByteCount += glyph.coverage.count + 160
            return glyph
        }
    }

    /// Draws without hinting: what comes after moves and turns the letters anyway.
    private func draw(_ character: Unicode.Scalar, _ face: FT_Face) -> Glyph {
        let flags = Int32(FT_LOAD_RENDER) | Int32(FT_LOAD_NO_HINTING)
        guard FT_Load_Char(face, FT_ULong(character.value), flags) == 0,
            let slot = face.pointee.glyph
        else { return Glyph(width: 0, height: 0, left: 0, top: 0, advance: 0, coverage: []) }
        let bitmap = slot.pointee.bitmap
        let (width, height) = (Int(bitmap.width), Int(bitmap.rows))
        var coverage: [UInt8] = []
        if let buffer = bitmap.buffer {
            for row in 0..<height {
                let start = buffer.advanced(by: row * Int(bitmap.pitch))
                coverage += UnsafeBufferPointer(start: start, count: width)
            }
        }
        return Glyph(
            width: coverage.isEmpty ? 0 : width,
            height: coverage.isEmpty ? 0 : height,
            left: Int(slot.pointee.bitmap_left),
            top: Int(slot.pointee.bitmap_top),
            advance: Float(slot.pointee.advance.x) / 64,
            coverage: coverage
        )
    }
}
