/// How a camera was held: what must be done to a picture to see it upright.
///
/// The numbers are those of the tag Orientation, EXIF 2.32, section 4.6.4.
public enum ImageOrientation: Int, Sendable, CaseIterable {
    /// As it is.
    case upright = 1
    /// Left and right change places.
    case mirrored = 2
    /// Half a turn.
    case turnedHalf = 3
    /// Top and bottom change places.
    case flipped = 4
    /// Rows become columns.
    case transposed = 5
    /// A quarter turn clockwise.
    case turnedRight = 6
    /// Rows become columns from the lower right.
    case transversed = 7
    /// A quarter turn counterclockwise.
    case turnedLeft = 8

    /// The orientation in the EXIF data of a file, which are a TIFF file; upright when they do not
    /// tell one.
    ///
    /// A photograph is no worse for a damaged tag: it is taken as it is.
    init(exif bytes: UnsafeRawBufferPointer) {
        self = Self.tag(in: bytes).flatMap(Self.init(rawValue:)) ?? .upright
    }

    /// TIFF 6.0, section 2: byte order, 42, offset of a directory; in it a count and entries of 12
    /// bytes: tag, type, count, value.
    private static func tag(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 8 else { return nil }
        let isLittleEndian: Bool
        switch (bytes[0], bytes[1]) {
        case (0x49, 0x49): isLittleEndian = true
        case (0x4D, 0x4D): isLittleEndian = false
        default: return nil
        }
        func number(_ offset: Int, _ count: Int) -> Int? {
            guard offset <= bytes.count - count else { return nil }
            let field = bytes[offset..<(offset + count)]
            return isLittleEndian
                ? field.reversed().reduce(0) { $0 << 8 | Int($1) }
                : field.reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(2, 2) == 42, let directory = number(4, 4), let count = number(directory, 2)
        else { return nil }
        for index in 0..<count {
            let entry = directory + 2 + 12 * index
            guard let tag = number(entry, 2) else { return nil }
            // Type 3 is a number of 16 bits.
            if tag == 0x112 { return number(entry + 2, 2) == 3 ? number(entry + 8, 2) : nil }
        }
        return nil
    }
}

extension GrayImage {
    /// The picture upright, when it was stored with `orientation`.
    func upright(from orientation: ImageOrientation) -> GrayImage {
        if orientation == .upright { return self }
        let (w, h) = (width, height)
        // Where the pixel at the stored column and row belongs, as start and steps in the result.
        let isTurned = orientation.rawValue > 4
        let (newWidth, newHeight) = isTurned ? (h, w) : (w, h)
        let (start, right, down) =
            switch orientation {
            case .upright: (0, 1, w)
            case .mirrored: (w - 1, -1, w)
            case .turnedHalf: (w * h - 1, -1, -w)
            case .flipped: (w * (h - 1), 1, -w)
            case .transposed: (0, h, 1)
            case .turnedRight: (h - 1, h, -1)
            case .transversed: (w * h - 1, -h, -1)
            case .turnedLeft: (h * (w - 1), -h, 1)
            }
        return GrayImage(width: newWidth, height: newHeight) { target in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<h {
                    var place = start + y * down
                    for x in 0..<w {
                        target[place] = source[y * w + x]
                        place += right
                    }
                }
            }
        }
    }
}
