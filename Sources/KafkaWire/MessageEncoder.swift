/// Writes one body by its schema.
struct MessageEncoder {
    var writer = WireWriter()
    let version: Int16
    let isFlexible: Bool

    init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    /// Writes a structure; values for fields that the version lacks are left out.
    mutating func structure(_ fields: Fields, _ schema: StructureSchema) throws(WireError) {
        if let unknown = fields.names.first(where: { name in
            !schema.fields.contains { $0.name == name }
        }) {
            throw .invalidValue("the schema has no field \(unknown)")
        }
        var tagged: [FieldSchema] = []
        for field in schema.fields where field.versions.contains(version) {
            let value = fields[field.name] ?? field.defaultValue
            if field.tag == nil {
                try self.value(value, of: field)
            } else if value != field.defaultValue {
                tagged.append(field)
            }
        }
        if isFlexible { try taggedFields(tagged, fields) }
    }

    private mutating func taggedFields(
        _ tagged: [FieldSchema],
        _ fields: Fields
    ) throws(WireError) {
        writer.unsignedVarint(UInt32(tagged.count))
        for field in tagged.sorted(by: { ($0.tag ?? 0) < ($1.tag ?? 0) }) {
            var inner = MessageEncoder(version: version, isFlexible: isFlexible)
            try inner.value(fields[field.name] ?? field.defaultValue, of: field)
            writer.unsignedVarint(field.tag ?? 0)
            writer.unsignedVarint(UInt32(inner.writer.bytes.count))
            writer.raw(inner.writer.bytes)
        }
    }

    private mutating func value(_ value: WireValue, of field: FieldSchema) throws(WireError) {
        let isNullable = field.isNullable(version)
        guard value != .null || isNullable else {
            throw .invalidValue("\(field.name) must not be null in version \(version)")
        }
        if isNullable, case .structure = field.type {
            writer.integer(Int8(value == .null ? -1 : 1))
            if value == .null { return }
        }
        try self.value(value, field.type, field.name)
    }

    private mutating func value(
        _ value: WireValue,
        _ type: FieldType,
        _ name: String
    ) throws(WireError) {
        switch (type, value) {
        case (.bool, .bool(let value)): writer.bool(value)
        case (.int8, .int(let value)): try integer(value, as: Int8.self, name)
        case (.int16, .int(let value)): try integer(value, as: Int16.self, name)
        case (.int32, .int(let value)): try integer(value, as: Int32.self, name)
        case (.int64, .int(let value)): writer.integer(value)
        case (.uint16, .int(let value)): try integer(value, as: UInt16.self, name)
        case (.uuid, .uuid(let value)): writer.uuid(value)
        case (.string, .string(let value)): try writer.string(value, isCompact: isFlexible)
        case (.string, .null): try writer.string(nil, isCompact: isFlexible)
        case (.bytes, .bytes(let value)):
            try writer.byteLength(value.count, isCompact: isFlexible)
            writer.raw(value)
        case (.bytes, .null), (.array, .null):
            try writer.byteLength(nil, isCompact: isFlexible)
        case (.array(let element), .array(let values)):
            try writer.byteLength(values.count, isCompact: isFlexible)
            for value in values { try self.value(value, element, name) }
        case (.structure(let schema), .structure(let fields)): try structure(fields, schema)
        default: throw .invalidValue("\(name) is \(value.kind), the schema says \(type)")
        }
    }

    private mutating func integer<T: FixedWidthInteger>(
        _ value: Int64,
        as type: T.Type,
        _ name: String
    ) throws(WireError) {
        guard let value = T(exactly: value) else {
            throw .invalidValue("\(name) = \(value) does not fit in \(T.bitWidth) bits")
        }
        writer.integer(value)
    }
}
