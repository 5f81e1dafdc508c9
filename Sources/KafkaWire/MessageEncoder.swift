/// Writes one body by its schema.
struct MessageEncoder {
    var writer = WireWriter()
    let version: Int16
    let isFlexible: Bool

    init(_ schema: MessageSchema, _ version: Int16) {
        self.version = version
        isFlexible = schema.isFlexible(version)
    }

    /// Writes a structure; values for fields that the version lacks are left out.
    mutating func structure(_ fields: Fields, _ schema: StructureSchema) throws(WireError) {
        var tagged: [(field: FieldSchema, value: WireValue)] = []
        var knownCount = 0
        for field in schema.fields {
            let given = fields[field.name]
            if given != nil { knownCount += 1 }
            guard field.versions.contains(version) else { continue }
            let value = given ?? field.defaultValue
            if field.tag == nil {
                try self.value(value, of: field)
            } else if value != field.defaultValue {
                tagged.append((field, value))
            }
        }
        guard knownCount == fields.count else {
            let unknown = fields.names.first { schema[$0] == nil } ?? "?"
            throw .invalidValue("the schema has no field \(unknown)")
        }
        guard isFlexible else { return }
        writer.unsignedVarint(UInt64(tagged.count))
        for (field, value) in tagged {
            var inner = self
            inner.writer = WireWriter()
            try inner.value(value, of: field)
            writer.unsignedVarint(UInt64(field.tag ?? 0))
            writer.unsignedVarint(UInt64(inner.writer.bytes.count))
            writer.raw(inner.writer.bytes)
        }
    }

    private mutating func value(_ value: WireValue, of field: FieldSchema) throws(WireError) {
        let isNullable = field.isNullable(version)
        guard isNullable || !value.isNull else {
            throw .invalidValue("\(field.name) must not be null in version \(version)")
        }
        if isNullable, case .structure = field.type {
            writer.integer(Int8(value.isNull ? -1 : 1))
            if value.isNull { return }
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
        case (.string, .string), (.string, .null):
            try writer.string(value.asString, isCompact: isFlexible)
        case (.bytes, .bytes), (.bytes, .null):
            try writer.count(value.asBytes?.count, isCompact: isFlexible)
            writer.raw(value.asBytes ?? [])
        case (.array(let element), .array), (.array(let element), .null):
            try writer.count(value.asArray?.count, isCompact: isFlexible)
            for value in value.asArray ?? [] { try self.value(value, element, name) }
        case (.structure(let schema), .structure(let fields)): try structure(fields, schema)
        default: throw .invalidValue("\(name) = \(value), the schema says \(type)")
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
