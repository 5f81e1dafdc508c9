/// The header of a safetensors file: which tensors it holds, and where.
extension Safetensors {
    private static let metadataKey = "__metadata__"

    /// A tensor of a file; `range` counts from the end of the header.
    struct Entry {
        var name: String
        var elementType: Tensor.ElementType
        var shape: [Int]
        var range: Range<Int>

        init(
            _ name: String,
            _ elementType: Tensor.ElementType,
            shape: [Int],
            range: Range<Int> = 0..<0
        ) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.range = range
        }

        /// Bytes of a tensor of this type and shape.
        var byteCount: Int { shape.reduce(elementType.byteCount, *) }
    }

    /// Where the tensors of a file of `byteCount` bytes begin; `beginning` holds its first eight.
    static func dataStart(
        ofFile beginning: UnsafeRawBufferPointer,
        byteCount: Int
    ) throws(LearningError) -> Int {
        guard beginning.count >= 8 else { throw invalid("\(byteCount) bytes hold no header") }
        let length = UInt64(littleEndian: beginning.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumHeaderByteCount), Int(length) <= byteCount - 8 else {
            throw invalid("the header claims \(length) bytes, the file has \(byteCount)")
        }
        return 8 + Int(length)
    }

    /// Puts tensors in the order of the file, with their ranges, and returns its header.
    static func arrange(_ entries: inout [Entry], metadata: [(String, String)]) -> [UInt8] {
        entries.sort { left, right in
            let (leftWidth, rightWidth) = (left.elementType.byteCount, right.elementType.byteCount)
            return leftWidth == rightWidth
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
                : leftWidth > rightWidth
        }
        var next = 0
        for index in entries.indices {
            precondition(
                entries[index].name != metadataKey,
                "a tensor must not be named \(metadataKey)"
            )
            let end = next + entries[index].byteCount
            entries[index].range = next..<end
            next = end
        }
        return header(of: entries, metadata: metadata)
    }

    /// What a header says.
    struct Header {
        /// The tensors in the order of their bytes.
        var entries: [Entry]
        var metadata: [String: String]

        /// Reads a header; its tensors must fill the file's data without gaps.
        init(_ text: UnsafeRawBufferPointer, dataByteCount: Int) throws(LearningError) {
            (entries, metadata) = try parse(text)
            var next = 0
            for entry in entries {
                guard entry.range.lowerBound == next else {
                    throw invalid(
                        "tensor \"\(entry.name)\" begins at \(entry.range.lowerBound), "
                            + "expected \(next)"
                    )
                }
                next = entry.range.upperBound
                guard next <= dataByteCount else {
                    throw invalid(
                        "tensor \"\(entry.name)\" ends at \(next), "
                            + "after the last byte \(dataByteCount)"
                    )
                }
            }
            guard next == dataByteCount else {
                throw invalid("\(dataByteCount - next) bytes follow the last tensor")
            }
        }
    }

    private static func header(
        of entries: [Entry],
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
        for entry in entries {
            if text.count > 9 { text.append(UInt8(ascii: ",")) }
            JSONText.append(entry.name.utf8, to: &text)
            let shape = entry.shape.map(String.init).joined(separator: ",")
            let (start, end) = (entry.range.lowerBound, entry.range.upperBound)
            text.append(
                contentsOf: ":{\"dtype\":\"\(entry.elementType.rawValue)\",\"shape\":[\(shape)]"
                    .utf8
            )
            text.append(contentsOf: ",\"data_offsets\":[\(start),\(end)]}".utf8)
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
        return Entry(name, elementType, shape: shape, range: offsets[0]..<offsets[1])
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

    static func invalid(_ message: String) -> LearningError {
        LearningError(
            .format,
            "not a valid safetensors file: \(message)",
            remedy: "the file is damaged or not ours; restore it or use another version"
        )
    }
}
