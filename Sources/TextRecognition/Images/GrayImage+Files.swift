internal import CImages

/// Pictures from and to files.
extension GrayImage {
    /// Decodes a PNG or JPEG: upright, colours as luma, what is transparent over white.
    ///
    /// Limits are checked by the header before memory is taken or a pixel decoded.
    ///
    /// - Throws: When the file is too large, damaged, cut off, or of another kind.
    public init(
        decoding bytes: UnsafeRawBufferPointer,
        limits: ImageLimits = ImageLimits()
    ) throws(TextRecognitionError) {
        try limits.check(byteCount: bytes.count)
        let header = try ImageHeader(of: bytes)
        try limits.check(header)
        var failure = ci_failure()
        var isDone = false
        let stored = GrayImage(width: header.width, height: header.height) { pixels in
            let (width, height) = (UInt32(header.width), UInt32(header.height))
            isDone =
                switch header.format {
                case .png:
                    ci_decode_png(
                        bytes.baseAddress,
                        bytes.count,
                        width,
                        height,
                        pixels.baseAddress,
                        &failure
                    )
                case .jpeg:
                    ci_decode_jpeg(
                        bytes.baseAddress,
                        bytes.count,
                        width,
                        height,
                        Int32(clamping: limits.scanCount),
                        limits.decoderMemory,
                        pixels.baseAddress,
                        &failure
                    )
                }
        }
        guard isDone else {
            throw ImageHeader.damaged(header.format, failure.text, at: failure.offset)
        }
        self = stored.upright(from: header.orientation)
    }

    /// Decodes a PNG or JPEG in memory.
    ///
    /// - Throws: As `init(decoding:limits:)` of raw bytes.
    public init(
        decoding bytes: [UInt8],
        limits: ImageLimits = ImageLimits()
    ) throws(TextRecognitionError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(TextRecognitionError) in
                try GrayImage(decoding: bytes, limits: limits)
            }
        }
        self = try result.get()
    }

    /// The picture as a PNG file.
    ///
    /// `compression` is zlib's level, from 0 (none) to 9.
    public func png(compression: Int = 4) -> [UInt8] {
        encoded { pixels, output, failure in
            ci_encode_png(
                pixels,
                UInt32(width),
                UInt32(height),
                Int32(clamping: compression),
                output,
                failure
            )
        }
    }

    /// The picture as a JPEG file.
    ///
    /// `quality` is libjpeg's, from 1 to 100. Neither side may have more than 65,500 pixels.
    public func jpeg(quality: Int) -> [UInt8] {
        encoded { pixels, output, failure in
            ci_encode_jpeg(
                pixels,
                UInt32(width),
                UInt32(height),
                Int32(clamping: quality),
                output,
                failure
            )
        }
    }

    private func encoded(
        _ encode: (
            UnsafePointer<UInt8>?, UnsafeMutablePointer<ci_bytes>, UnsafeMutablePointer<ci_failure>
        ) -> Bool
    ) -> [UInt8] {
        var output = ci_bytes()
        defer { ci_free(&output) }
        var failure = ci_failure()
        let isDone = pixels.withUnsafeBufferPointer { encode($0.baseAddress, &output, &failure) }
        // The picture is ours and whole: only a side that the format cannot hold, or no memory.
        precondition(isDone, "a picture cannot be encoded: \(failure.text)")
        return Array(UnsafeBufferPointer(start: output.bytes, count: output.count))
    }
}

extension ci_failure {
    /// The message as text.
    fileprivate var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
