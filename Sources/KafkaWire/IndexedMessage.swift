/// The bytes of a message that was checked by its schema, and where in them each field begins.
///
/// Four bytes for each field and each element of a list are all that a decoded message takes
/// besides its bytes. Texts and lists are made when somebody asks for them; whether there is
/// memory for all lists is checked before.
final class IndexedMessage: Sendable {
    private let bytes: [UInt8]
    /// The index.
    ///
    /// A structure has a slot for each field that its version has, in the order of the schema. A
    /// list has one for its count and one for each element. The slot of a structure or list says
    /// where its own slots begin; any other, at which byte the value begins.
    private let slots: [UInt32]
    private let version: Int16
    private let isCompact: Bool

    /// The slot of a field that is not there, and so has its default.
    fileprivate static let absent = UInt32.max
    /// The slot of a list or structure that is null.
    fileprivate static let null = UInt32.max - 1

    /// Checks the body of a request or response.
    init(
        _ bytes: [UInt8],
        _ body: StructureSchema,
        _ version: Int16,
        isCompact: Bool
    ) throws(WireError) {
        slots = try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            let buffer = UnsafeRawBufferPointer(bytes)
            var indexer = Indexer(WireReader(buffer), version, isCompact)
            // The copy of the body, and the longest text or byte string that is made of it.
            try indexer.reader.charge(2 * buffer.count)
            _ = try indexer.structure(body)
            // Once more, now that the number of slots is known.
            indexer = Indexer(WireReader(buffer), version, isCompact, capacity: indexer.count)
            _ = try indexer.structure(body)
            return indexer.slots
        }
        self.bytes = bytes
        self.version = version
        self.isCompact = isCompact
    }

    /// The value of a field; nil if the schema has none of this name.
    func value(_ name: String, of schema: StructureSchema, at slot: UInt32) -> WireValue? {
        guard let (field, slot) = find(name, schema, slot) else { return nil }
        return slot == Self.absent ? field.defaultValue : value(field.type, at: slot)
    }

    /// The elements of a list; nil if it is null.
    func list<Element>(
        _ name: String,
        of schema: StructureSchema,
        at slot: UInt32,
        _ convert: (WireValue) -> Element
    ) -> [Element]? {
        guard let (field, slot) = find(name, schema, slot) else { return nil }
        guard case .array(let type) = field.type, slot != Self.absent, slot != Self.null else {
            return slot == Self.absent && !field.defaultValue.isNull ? [] : nil
        }
        return elements(at: slot).map { convert(value(type, at: $0)) }
    }

    private func elements(at slot: UInt32) -> ArraySlice<UInt32> {
        slots[(Int(slot) + 1)...].prefix(Int(slots[Int(slot)]))
    }

    private func find(
        _ name: String,
        _ schema: StructureSchema,
        _ slot: UInt32
    ) -> (FieldSchema, slot: UInt32)? {
        var slot = Int(slot)
        for field in schema.fields {
            let isThere = field.versions.contains(version)
            if field.name == name { return (field, isThere ? slots[slot] : Self.absent) }
            if isThere { slot += 1 }
        }
        return nil
    }

    private func value(_ type: FieldType, at slot: UInt32) -> WireValue {
        if slot == Self.null { return .null }
        switch type {
        case .structure(let schema): return .structure(Fields(self, schema, slot: slot))
        case .array(let element):
            return .array(elements(at: slot).map { value(element, at: $0) })
        default:
            return bytes.withUnsafeBytes { buffer in
                var reader = WireReader(buffer, position: Int(slot))
                // It was read before, when the message was checked.
                return (try? reader.value(type, isCompact: isCompact)) ?? .null
            }
        }
    }
}

/// Goes through a body by its schema; the depth of recursion is the schema's, not the data's.
private struct Indexer {
    var reader: WireReader
    private(set) var slots: [UInt32] = []
    /// How many slots there are, also when they are only counted.
    private(set) var count = 0
    private let stores: Bool
    private let version: Int16
    private let isCompact: Bool

    /// Counts slots, or makes them if their number is given.
    init(_ reader: WireReader, _ version: Int16, _ isCompact: Bool, capacity: Int? = nil) {
        self.reader = reader
        self.version = version
        self.isCompact = isCompact
        stores = capacity != nil
        slots.reserveCapacity(capacity ?? 0)
    }

    /// Checks a structure and returns where its slots begin.
    mutating func structure(_ schema: StructureSchema) throws(WireError) -> UInt32 {
        let fields = schema.fields.lazy.filter { [version] in $0.versions.contains(version) }
        let start = try add(fields.reduce(0) { count, _ in count + 1 })
        for (offset, field) in fields.enumerated() where field.tag == nil {
            set(start + offset, try value(of: field))
        }
        for _ in 0..<(isCompact ? try reader.unsignedVarint() : 0) {
            let tag = try reader.unsignedVarint()
            let size = Int(try reader.unsignedVarint())
            let end = reader.position + size
            if let (offset, field) = fields.enumerated().first(where: { $0.element.tag == tag }) {
                set(start + offset, try value(of: field))
            } else {
                _ = try reader.skip(size)
            }
            guard reader.position == end else {
                throw .malformed("tagged field \(tag) does not fill its \(size) bytes")
            }
        }
        return UInt32(start)
    }

    private mutating func value(of field: FieldSchema) throws(WireError) -> UInt32 {
        guard let slot = try value(field.type, field.isNullable(version)) else {
            guard field.isNullable(version) else {
                throw .malformed("\(field.name) must not be null")
            }
            return IndexedMessage.null
        }
        return slot
    }

    /// Checks a value and returns what belongs into its slot; nil if it is null.
    private mutating func value(
        _ type: FieldType,
        _ isNullable: Bool
    ) throws(WireError) -> UInt32? {
        switch type {
        case .structure(let schema):
            if isNullable, try reader.integer(as: Int8.self) < 0 { return nil }
            return try structure(schema)
        case .array(let element):
            guard let count = try reader.arrayCount(isCompact: isCompact) else { return nil }
            let start = try add(1 + count)
            set(start, UInt32(count))
            for index in 0..<count {
                let position = reader.position
                guard let slot = try value(element, false) else {
                    throw .malformed("a list has a null element")
                }
                set(start + 1 + index, slot)
                try reader.charge(element.memory(inListOf: reader.position - position))
            }
            return UInt32(start)
        default:
            let position = UInt32(reader.position)
            return try reader.value(type, isCompact: isCompact).isNull ? nil : position
        }
    }

    /// Makes room for slots and returns the first.
    private mutating func add(_ more: Int) throws(WireError) -> Int {
        try reader.charge(more * MemoryLayout<UInt32>.stride)
        if stores { slots.append(contentsOf: repeatElement(IndexedMessage.absent, count: more)) }
        count += more
        return count - more
    }

    private mutating func set(_ slot: Int, _ value: UInt32) { if stores { slots[slot] = value } }
}

extension FieldType {
    /// How much memory an element of so many bytes takes in the list that is made for a reader.
    fileprivate func memory(inListOf byteCount: Int) -> Int {
        switch self {
        case .structure: MemoryLayout<Fields>.stride
        case .string: MemoryLayout<String>.stride + WireReader.memory(ofTextOf: byteCount)
        default: MemoryLayout<Int32>.stride
        }
    }
}

extension WireReader {
    /// Reads a value that has no parts.
    fileprivate mutating func value(
        _ type: FieldType,
        isCompact: Bool
    ) throws(WireError) -> WireValue {
        switch type {
        case .bool: .bool(try bool())
        case .int8: .int(Int64(try integer(as: Int8.self)))
        case .int16: .int(Int64(try integer(as: Int16.self)))
        case .int32: .int(Int64(try integer(as: Int32.self)))
        case .int64: .int(try integer(as: Int64.self))
        case .uint16: .int(Int64(try integer(as: UInt16.self)))
        case .uuid: .uuid(try uuid())
        case .string: try string(isCompact: isCompact).map { .string($0) } ?? .null
        case .bytes: try bytes(isCompact: isCompact).map { .bytes($0) } ?? .null
        case .array, .structure: .null
        }
    }
}
