import Learning

/// A line that is learned again: as it was scaled, with its text.
struct KeptLine: Equatable, Sendable {
    /// 32 rows.
    var image: GrayImage
    var text: String
    /// Number of the slice that it is counted under.
    var slice: Int32
    /// Where the label came from.
    var partition: Int32
    var offset: Int64

    /// What counts towards the limit: the pixels, the text, and some for the rest.
    var byteCount: Int { image.pixels.count + text.utf8.count + 64 }
}

extension [KeptLine] {
    /// Adds lines to tensors `PREFIXpixels`, `PREFIXpixels.lengths`, `PREFIXtexts`,
    /// `PREFIXtexts.lengths`, `PREFIXslices` and `PREFIXorigins`.
    func encode(into tensors: inout NamedTensors, prefix: String) {
        tensors[prefix + "pixels.lengths"] = Tensor(map { Int32($0.image.pixels.count) })
        tensors[prefix + "pixels"] = Tensor(flatMap(\.image.pixels))
        tensors[prefix + "texts.lengths"] = Tensor(map { Int32($0.text.utf8.count) })
        tensors[prefix + "texts"] = Tensor(flatMap { [UInt8]($0.text.utf8) })
        tensors[prefix + "slices"] = Tensor(map(\.slice))
        tensors[prefix + "origins"] = Tensor(
            flatMap { [Int64($0.partition), $0.offset] },
            shape: [count, 2]
        )
    }

    /// Reads `count` lines, or as many as there are; `alphabet` must have their texts.
    init(
        from tensors: any TensorSource,
        prefix: String,
        count: Int? = nil,
        alphabet: Alphabet
    ) throws(LearningError) {
        self.init()
        let slices: [Int32] = try tensors.values(prefix + "slices", shape: [count ?? -1])
        let shape = [slices.count]
        let widths: [Int32] = try tensors.values(prefix + "pixels.lengths", shape: shape)
        let lengths: [Int32] = try tensors.values(prefix + "texts.lengths", shape: shape)
        let origins: [Int64] = try tensors.values(prefix + "origins", shape: [slices.count, 2])
        let height = Int32(PreparedLine.height)
        let isShaped =
            widths.allSatisfy {
                $0 > 0 && $0 % height == 0 && $0 / height <= Int32(PreparedLine.maximumWidth)
            } && lengths.allSatisfy { $0 > 0 && $0 <= Int32(LabelDecoder.maximumTextLength) }
            && slices.allSatisfy { (0..<Int32(SliceErrors.limit)).contains($0) }
            && origins.allSatisfy { $0 >= 0 }
        guard isShaped else { throw Self.damaged(prefix) }
        let pixelCount = widths.reduce(0) { $0 + Int($1) }
        let byteCount = lengths.reduce(0) { $0 + Int($1) }
        let pixels: [UInt8] = try tensors.values(prefix + "pixels", shape: [pixelCount])
        let bytes: [UInt8] = try tensors.values(prefix + "texts", shape: [byteCount])
        var (pixel, byte) = (0, 0)
        for index in slices.indices {
            let (width, length) = (Int(widths[index]), Int(lengths[index]))
            let text = String(decoding: bytes[byte..<(byte + length)], as: UTF8.self)
            guard (try? alphabet.labels(of: text)) != nil,
                let partition = Int32(exactly: origins[2 * index])
            else { throw Self.damaged(prefix) }
            append(
                KeptLine(
                    image: GrayImage(
                        width: width / Int(height),
                        height: Int(height),
                        pixels: [UInt8](pixels[pixel..<(pixel + width)])
                    ),
                    text: text,
                    slice: slices[index],
                    partition: partition,
                    offset: origins[2 * index + 1]
                )
            )
            (pixel, byte) = (pixel + width, byte + length)
        }
    }

    private static func damaged(_ prefix: String) -> LearningError {
        LearningError(
            .tensor,
            "the tensors \"\(prefix)…\" hold no lines with texts",
            remedy: "the file is damaged; use another version"
        )
    }
}
