/// What a picture from outside may cost at most; checked before any of it is decoded.
public struct ImageLimits: Sendable, Equatable {
    /// Bytes of the file.
    public var byteCount: Int
    /// Width times height: a byte each, and while a progressive JPEG is decoded eight.
    public var pixelCount: Int
    /// How many times as long as wide, or as wide as long.
    public var aspectRatio: Int
    /// Scans of a progressive JPEG: usual are 10, and each costs a walk over all pixels.
    public var scanCount: Int

    /// Limits that photographs of telephones keep: 16 MiB, 25 million pixels.
    ///
    /// A line of text of 32 pixels may then be 4096 pixels long.
    public init(
        byteCount: Int = 16 << 20,
        pixelCount: Int = 25_000_000,
        aspectRatio: Int = 128,
        scanCount: Int = 32
    ) {
        self.byteCount = byteCount
        self.pixelCount = pixelCount
        self.aspectRatio = aspectRatio
        self.scanCount = scanCount
    }

    /// What libjpeg may allocate: a progressive file of three full colours needs six bytes a pixel,
    /// and a row and tables come on top.
    var decoderMemory: Int { 8 * pixelCount + (1 << 20) }

    /// Throws when a file of so many bytes is too large to be looked at.
    func check(byteCount count: Int) throws(TextRecognitionError) {
        guard count > byteCount else { return }
        throw TextRecognitionError(
            .tooLarge,
            "the picture has \(count) bytes, \(byteCount) are allowed",
            remedy: "send a smaller one, or one of stronger compression"
        )
    }

    /// Throws when a picture that a header describes is too large or too narrow.
    func check(_ header: ImageHeader) throws(TextRecognitionError) {
        let (width, height) = (header.width, header.height)
        // Both are below 2^31: the product fits.
        guard width * height <= pixelCount else {
            throw TextRecognitionError(
                .tooLarge,
                "the picture has \(width) × \(height) pixels, \(pixelCount) are allowed",
                remedy: "send a smaller one"
            )
        }
        guard max(width, height) <= aspectRatio * min(width, height) else {
            throw TextRecognitionError(
                .tooLarge,
                "the picture has \(width) × \(height) pixels, sides of 1 to \(aspectRatio) "
                    + "are allowed",
                remedy: "cut out the part that is to be read"
            )
        }
    }
}
