/// The safetensors format, version 0.4: how checkpoints and updates are written.
///
/// Eight bytes of header length, a JSON header, then the tensors' bytes without gaps; see
/// <https://huggingface.co/docs/safetensors>. Python's `safetensors` reads what this writes.
public enum Safetensors {
    /// The largest header accepted, as in the reference implementation.
    public static let maximumHeaderByteCount = 100_000_000

    /// Encodes tensors as pieces of one file, in order; tensors are shared, not copied.
    ///
    /// The same tensors and metadata give the same bytes, whatever the order they were added in:
    /// wider element types come first (so that every tensor is aligned), then names in order of
    /// their bytes; of a metadata key that is given twice the last counts.
    public static func encode(
        _ tensors: NamedTensors,
        metadata: [(String, String)] = []
    ) -> [[UInt8]] {
        var entries: [Entry] = []
        for name in tensors.names {
            guard let tensor = tensors[name] else { continue }
            entries.append(Entry(name, tensor.elementType, shape: tensor.shape))
        }
        let header = arrange(&entries, metadata: metadata)
        return [header] + entries.compactMap { tensors[$0.name]?.bytes }
    }

    /// Decodes a whole file.
    ///
    /// Tensors come in the order of their bytes in the file.
    ///
    /// Refuses whatever the reference implementation refuses: a header that is too long or not
    /// JSON, names twice, ranges that overlap, leave gaps or lie outside, and element types that
    /// this package does not use.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(LearningError) -> (tensors: NamedTensors, metadata: [String: String]) {
        let dataStart = try bytes.withUnsafeBufferPointer { bytes throws(LearningError) -> Int in
            try Self.dataStart(ofFile: UnsafeRawBufferPointer(bytes), byteCount: bytes.count)
        }
        let header = try bytes[8..<dataStart].withUnsafeBufferPointer {
            (text) throws(LearningError) -> Header in
            try Header(UnsafeRawBufferPointer(text), dataByteCount: bytes.count - dataStart)
        }
        var tensors = NamedTensors()
        for entry in header.entries {
            let range = (dataStart + entry.range.lowerBound)..<(dataStart + entry.range.upperBound)
            tensors[entry.name] = Tensor(
                elementType: entry.elementType,
                shape: entry.shape,
                bytes: Array(bytes[range])
            )
        }
        return (tensors, header.metadata)
    }
}
