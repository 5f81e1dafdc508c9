/// Reads one body by its schema.
///
/// The depth of recursion is that of the schema, not of the data.
struct MessageDecoder {
    var reader: WireReader
    let version: Int16
    let isFlexible: Bool
    private var elementsLeft = MessageCodec.maximumElements

    init(reader: WireReader, version: Int16, isFlexible: Bool) {
        self.reader = reader
        self.version = version
        self.isFlexible = isFlexible
    }

    /// Reads a structure; fields that the version lacks get their defaults.
    mutating func structure(_ schema: StructureSchema) throws(WireError) -> Fields {
        var fields = Fields(capacity: schema.fields.count)
        var hasTags = false
        for field in schema.fields {
            if field.tag != nil && isFlexible && field.versions.contains(version) {
                hasTags = true
                fields.append(field.name, field.defaultValue)
            } else if field.tag == nil && field.versions.contains(version) {
                fields.append(field.name, try value(of: field))
            } else {
                fields.append(field.name, field.defaultValue)
            }
        }
        if isFlexible {
            if hasTags {
                try taggedFields(schema, into: &fields)
            } else {
                try reader.skipTaggedFields()
            }
        }
        return fields
    }

    private mutating func taggedFields(
        _ schema: StructureSchema,
        into fields: inout Fields
    ) throws(WireError) {
        for _ in 0..<(try reader.unsignedVarint()) {
            let tag = try reader.unsignedVarint()
            let size = Int(try reader.unsignedVarint())
            guard size <= reader.remaining else {
                throw .truncated("tagged field \(tag) announces \(size) bytes")
            }
            let end = reader.position + size
            let known = schema.fields.first { $0.tag == tag && $0.versions.contains(version) }
            guard let field = known else {
                _ = try reader.skip(size)
                continue
            }
            fields[field.name] = try value(of: field)
            guard reader.position == end else {
                throw .malformed("tagged field \(field.name) does not fill its \(size) bytes")
            }
        }
    }

    private mutating func value(of field: FieldSchema) throws(WireError) -> WireValue {
        let value = try value(field.type, isNullable: field.isNullable(version))
        guard value != .null || field.isNullable(version) else {
            throw .malformed("\(field.name) must not be null")
        }
        return value
    }

    private mutating func value(
        _ type: FieldType,
        isNullable: Bool
    ) throws(WireError) -> WireValue {
        switch type {
        case .bool: return .bool(try reader.bool())
        case .int8: return .int(Int64(try reader.integer(as: Int8.self)))
        case .int16: return .int(Int64(try reader.integer(as: Int16.self)))
        case .int32: return .int(Int64(try reader.integer(as: Int32.self)))
        case .int64: return .int(try reader.integer(as: Int64.self))
        case .uint16: return .int(Int64(try reader.integer(as: UInt16.self)))
        case .uuid: return .uuid(try reader.uuid())
        case .string:
            return try reader.string(isCompact: isFlexible).map { .string($0) } ?? .null
        case .bytes:
            return try reader.bytes(isCompact: isFlexible).map { .bytes($0) } ?? .null
        case .array(let element): return try array(element)
        case .structure(let schema):
            if isNullable, try reader.integer(as: Int8.self) < 0 { return .null }
            return .structure(try structure(schema))
        }
    }

    private mutating func array(_ element: FieldType) throws(WireError) -> WireValue {
        guard let count = try reader.arrayCount(isCompact: isFlexible) else { return .null }
        guard count <= elementsLeft else {
            throw WireError(
                .tooLarge,
                "a message has more than \(MessageCodec.maximumElements) elements",
                remedy: "split the request"
            )
        }
        elementsLeft -= count
        var values: [WireValue] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let value = try value(element, isNullable: false)
            guard value != .null else { throw .malformed("a list has a null element") }
            values.append(value)
        }
        return .array(values)
    }
}
