import FuzzCases
import KafkaSamples
import TextRecognition

/// Decodes damaged pictures and looks whether the decoders do what they must: refuse or decode,
/// within their memory, and give all of it back.
package struct ImageFuzzRun {
    /// Counts memory.
    package struct Meter {
        let begin: () -> Void
        let peak: () -> Int
        let held: () -> Int

        /// Makes a meter of functions: begin to count, the most bytes held since, those held now.
        package init(
            begin: @escaping () -> Void,
            peak: @escaping () -> Int,
            held: @escaping () -> Int
        ) {
            self.begin = begin
            self.peak = peak
            self.held = held
        }
    }

    /// Pictures without damage.
    package private(set) var intact = 0
    /// Damaged pictures that were decoded all the same.
    package private(set) var accepted = 0
    /// Damaged pictures that were not.
    package private(set) var refused = 0
    /// What should not have happened.
    package private(set) var failures: [String] = []
    /// The most memory that a picture took, in parts of what it may.
    package private(set) var greatestShare = 0.0

    private let seed: UInt64
    private let meter: Meter?
    private let samples: [[UInt8]]
    /// Small, so that headers that lie have something to exceed.
    private let limits = ImageLimits(byteCount: 1 << 20, pixelCount: 1 << 20, scanCount: 16)

    /// Reads the pictures to begin with.
    package init(seed: UInt64, meter: Meter? = nil) throws {
        self.seed = seed
        self.meter = meter
        samples = try PictureSamples().readable
        // What the libraries keep for ever is allocated now.
        for sample in samples { _ = try GrayImage(decoding: sample, limits: limits) }
    }

    /// Decodes one picture; which one follows from the seed and the index.
    package mutating func run(_ index: UInt64) {
        var random = SplitMix(seed: seed &+ index &* 0x9E37_79B9_7F4A_7C15)
        var bytes = samples[random.next(below: samples.count)]
        let isIntact = random.next(below: 20) == 0
        if !isIntact { damage(&bytes, &random) }
        meter?.begin()
        let error = Self.error(decoding: bytes, limits)
        if let meter {
            let (peak, held, limit) = (meter.peak(), meter.held(), memory(for: bytes))
            greatestShare = max(greatestShare, Double(peak) / Double(limit))
            if peak > limit { fail(index, "took \(peak) bytes of \(limit)") }
            // A message that is too long to stand in the error itself.
            if held > 1024 { fail(index, "left \(held) bytes behind") }
        }
        if isIntact {
            intact += 1
            if let error { fail(index, "an intact picture was refused: \(error)") }
        } else if let error {
            refused += 1
            if error.message.isEmpty { fail(index, "was refused without a reason") }
        } else {
            accepted += 1
        }
    }

    private static func error(
        decoding bytes: [UInt8],
        _ limits: ImageLimits
    ) -> TextRecognitionError? {
        do throws(TextRecognitionError) {
            _ = try GrayImage(decoding: bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private mutating func fail(_ index: UInt64, _ what: String) {
        // The first ones are enough to go on with.
        if failures.count < 100 { failures.append("picture \(index): \(what)") }
    }

    /// The picture, turned, and what the libraries need for it; for a size that is refused little.
    private func memory(for bytes: [UInt8]) -> Int {
        let header = bytes.withUnsafeBytes { try? ImageHeader(of: $0) }
        guard let header, header.width * header.height <= limits.pixelCount else { return 64 << 10 }
        let perPixel = header.format == .png ? 3 : 10
        // Blocks of up to 32 pixels are filled up; tables, rows and buffers come on top.
        let area = (header.width + 32) * (header.height + 32)
        return 2 * bytes.count + perPixel * area + (1 << 20)
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        var chunks = PNGChunks(bytes)
        switch random.next(below: 6) {
        case 0 where !chunks.chunks.isEmpty:
            // Another size, and a checksum that agrees.
            let size = Self.size(&random)
            chunks.chunks[0].contents.replaceSubrange(0..<8, with: size)
            bytes = chunks.bytes
        case 0: Self.resizeFrame(&bytes, Self.size(&random))
        case 1, 2:
            guard !chunks.chunks.isEmpty else { fallthrough }
            let index = random.next(below: chunks.chunks.count)
            let other = samples[random.next(below: samples.count)]
            Damage.apply(to: &chunks.chunks[index].contents, with: other, &random)
            bytes = chunks.bytes
        default:
            Damage.apply(to: &bytes, with: samples[random.next(below: samples.count)], &random)
        }
    }

    /// Width and height, small or huge, in eight bytes.
    private static func size(_ random: inout SplitMix) -> [UInt8] {
        (0..<2).flatMap { _ in
            PNGChunks.bigEndian(
                UInt32(truncatingIfNeeded: random.next() >> UInt64(random.next(below: 64)))
            )
        }
    }

    /// Writes another size into a JPEG's frame header.
    private static func resizeFrame(_ bytes: inout [UInt8], _ size: [UInt8]) {
        let frame = bytes.indices.dropLast(10).first { index in
            bytes[index] == 0xFF && (bytes[index + 1] == 0xC0 || bytes[index + 1] == 0xC2)
        }
        guard let frame else { return }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: size[2..<4] + size[6..<8])
    }
}
