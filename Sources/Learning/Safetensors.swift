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
        var entries: [(name: String, tensor: Tensor)] = []
        for name in tensors.names {
            precondition(name != metadataKey, "a tensor must not be named \(metadataKey)")
            if let tensor = tensors[name] { entries.append((name, tensor)) }
        }
        entries.sort { left, right in
            let (leftWidth, rightWidth) =
                (left.tensor.elementType.byteCount, right.tensor.elementType.byteCount)
            return leftWidth == rightWidth
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
                : leftWidth > rightWidth
        }
        return [header(of: entries, metadata: metadata)] + entries.map(\.tensor.bytes)
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
        guard bytes.count >= 8 else { throw invalid("\(bytes.count) bytes hold no header") }
        var length: UInt64 = 0
        for index in 0..<8 { length |= UInt64(bytes[index]) << UInt64(8 * index) }
        guard length <= UInt64(maximumHeaderByteCount), Int(length) <= bytes.count - 8 else {
            throw invalid("the header claims \(length) bytes, the file has \(bytes.count)")
        }
        let dataStart = 8 + Int(length)
        let header = try bytes[8..<dataStart].withUnsafeBytes { header in
            Result { () throws(LearningError) in try parse(header) }
        }.get()
        var tensors = NamedTensors()
        var next = 0
        for entry in header.entries {
            guard entry.range.lowerBound == next else {
                throw invalid(
                    "tensor \"\(entry.name)\" begins at \(entry.range.lowerBound), "
                        + "expected \(next)"
                )
            }
            next = entry.range.upperBound
            guard next <= bytes.count - dataStart else {
                throw invalid(
                    "tensor \"\(entry.name)\" ends at \(next), "
                        + "after the last byte \(bytes.count - dataStart)"
                )
            }
            tensors[entry.name] = Tensor(
                elementType: entry.elementType,
                shape: entry.shape,
                bytes: Array(bytes[(dataStart + entry.range.lowerBound)..<(dataStart + next)])
            )
        }
        guard next == bytes.count - dataStart else {
            throw invalid("\(bytes.count - dataStart - next) bytes follow the last tensor")
        }
        return (tensors, header.metadata)
    }

    // MARK: - Header

    private static let metadataKey = "__metadata__"

    private struct Entry {
        var name: String
        var elementType: Tensor.ElementType
        var shape: [Int]
        var range: Range<Int>
    }

    private static func header(
        of entries: [(name: String, tensor: Tensor)],
        metadata: [(String, String)]
    ) -> [UInt8] {
        var text: [UInt8] = [UInt8](repeating: 0, count: 8) + [UInt8(ascii: "{")]
        let unique = Dictionary(metadata, uniquingKeysWith: { $1 })
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        if !unique.isEmpty {
            JSONText.append(metadataKey.utf8, to: &text)
            text.append(contentsOf: ":{".utf8)
            for (index, pair) in unique.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                JSONText.append(pair.key.utf8, to: &text)
                text.append(UInt8(ascii: ":"))
                JSONText.append(pair.value.utf8, to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
        var offset = 0
        for (name, tensor) in entries {
            if text.count > 9 { text.append(UInt8(ascii: ",")) }
            JSONText.append(name.utf8, to: &text)
            let end = offset + tensor.bytes.count
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            text.append(
                contentsOf: ":{\"dtype\":\"\(tensor.elementType.rawValue)\",\"shape\":[\(shape)]"
                    .utf8
            )
            text.append(contentsOf: ",\"data_offsets\":[\(offset),\(end)]}".utf8)
            offset = end
        }
        text.append(UInt8(ascii: "}"))
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        let length = UInt64(text.count - 8)
        for index in 0..<8 { text[index] = UInt8(truncatingIfNeeded: length >> UInt64(8 * index)) }
        return text
    }

    private static func parse(
        _ header: UnsafeRawBufferPointer
    ) throws(LearningError) -> (entries: [Entry], metadata: [String: String]) {
        var reader = JSONReader(header)
        var entries: [Entry] = []
        var names: Set<String> = []
        var metadata: [String: String] = [:]
        do {
            try reader.beginObject()
            while let key = try reader.nextKey() {
                let name = String(decoding: key, as: UTF8.self)
                guard names.insert(name).inserted else { throw invalid("\"\(name)\" stands twice") }
                if name == metadataKey {
                    metadata = try parseMetadata(&reader)
                } else {
                    entries.append(try parseEntry(&reader, name: name))
                }
            }
            try reader.finish()
        } catch let failure as JSONReader.Failure {
            throw invalid("the header is not JSON at byte \(failure.position): \(failure.message)")
        } catch let error as LearningError {
            throw error
        } catch {
            throw invalid("\(error)")
        }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound, $0.name)
                < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        return (entries, metadata)
    }

    private static func parseMetadata(_ reader: inout JSONReader) throws -> [String: String] {
        var metadata: [String: String] = [:]
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = String(decoding: key, as: UTF8.self)
            let value = String(decoding: try reader.readString(), as: UTF8.self)
            guard metadata.updateValue(value, forKey: name) == nil else {
                throw invalid("metadata \"\(name)\" stands twice")
            }
        }
        return metadata
    }

    private static func parseEntry(_ reader: inout JSONReader, name: String) throws -> Entry {
        var elementType: Tensor.ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch String(decoding: key, as: UTF8.self) {
            case "dtype" where elementType == nil:
                let type = String(decoding: try reader.readString(), as: UTF8.self)
                elementType = Tensor.ElementType(rawValue: type)
                if elementType == nil {
                    throw invalid("tensor \"\(name)\" has the unsupported type \"\(type)\"")
                }
            case "shape" where shape == nil: shape = try parseIntegers(&reader, name: name)
            case "data_offsets" where offsets == nil:
                offsets = try parseIntegers(&reader, name: name)
            case let other: throw invalid("tensor \"\(name)\" has an unexpected \"\(other)\"")
            }
        }
        guard let elementType, let shape, let offsets, offsets.count == 2 else {
            throw invalid("tensor \"\(name)\" lacks dtype, shape or two data_offsets")
        }
        var byteCount = elementType.byteCount
        for extent in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw invalid("tensor \"\(name)\" has the shape \(shape)") }
            byteCount = product
        }
        guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == byteCount else {
            throw invalid(
                "tensor \"\(name)\" of shape \(shape) needs \(byteCount) bytes, "
                    + "its range is \(offsets[0])..<\(offsets[1])"
            )
        }
        return Entry(
            name: name,
            elementType: elementType,
            shape: shape,
            range: offsets[0]..<offsets[1]
        )
    }

    private static func parseIntegers(_ reader: inout JSONReader, name: String) throws -> [Int] {
        var integers: [Int] = []
        try reader.beginArray()
        while try reader.nextElement() {
            let text = String(decoding: try reader.readNumber(), as: UTF8.self)
            guard let integer = Int(text), integer >= 0, integers.count < 64 else {
                throw invalid("tensor \"\(name)\" has the extent or offset \(text.prefix(40))")
            }
            integers.append(integer)
        }
        return integers
    }

    private static func invalid(_ message: String) -> LearningError {
        LearningError(
            .format,
            "not a valid safetensors file: \(message)",
            remedy: "the file is damaged or not ours; restore it or use another version"
        )
    }
}
