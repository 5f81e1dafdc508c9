package import KafkaWire

/// A message in which each field has one fixed value for its type, and lists two elements.
package func standardFields(_ schema: StructureSchema, _ version: Int16, _ isFlexible: Bool)
    -> Fields
{
    build(schema, version, isFlexible) { type, isNullable in
        standardValue(type, version, isFlexible)
    }
}

private func standardValue(_ type: FieldType, _ version: Int16, _ isFlexible: Bool) -> WireValue {
    switch type {
    case .bool: true
    case .int8: 5
    case .int16: 300
    case .int32, .uint16: 70000
    case .int64: 5_000_000_000
    case .uuid: .uuid(UUID16(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F))
    case .string: "abc"
    case .bytes: .bytes([1, 2, 3])
    case .array(let element):
        .array(Array(repeating: standardValue(element, version, isFlexible), count: 2))
    case .structure(let schema): .structure(standardFields(schema, version, isFlexible))
    }
}

/// A message of random values; fields that the version lacks have their defaults.
package func randomFields(
    _ schema: StructureSchema,
    _ version: Int16,
    _ isFlexible: Bool,
    _ random: inout SplitMix
) -> Fields {
    build(schema, version, isFlexible) { type, isNullable in
        if isNullable && random.next(below: 4) == 0 { return .null }
        return randomValue(type, version, isFlexible, &random)
    }
}

private func randomValue(
    _ type: FieldType,
    _ version: Int16,
    _ isFlexible: Bool,
    _ random: inout SplitMix
) -> WireValue {
    switch type {
    case .bool: .bool(random.next(below: 2) == 1)
    case .int8: .int(Int64(Int8(truncatingIfNeeded: random.next())))
    case .int16: .int(Int64(Int16(truncatingIfNeeded: random.next())))
    case .uint16: .int(Int64(UInt16(truncatingIfNeeded: random.next())))
    case .int32: .int(Int64(Int32(truncatingIfNeeded: random.next())))
    case .int64: .int(Int64(bitPattern: random.next()))
    case .uuid: .uuid(UUID16(high: random.next(), low: random.next()))
    case .string:
        .string(String((0..<random.next(below: 200)).map { _ in "aé漢🙂".randomElement() ?? "a" }))
    case .bytes: .bytes((0..<random.next(below: 300)).map { UInt8(truncatingIfNeeded: $0) })
    case .array(let element):
        .array(
            (0..<random.next(below: 4)).map { _ in
                randomValue(element, version, isFlexible, &random)
            }
        )
    case .structure(let schema): .structure(randomFields(schema, version, isFlexible, &random))
    }
}

/// A message whose values come from a closure; fields that the version lacks have their defaults.
package func build(
    _ schema: StructureSchema,
    _ version: Int16,
    _ isFlexible: Bool,
    value: (FieldType, Bool) -> WireValue
) -> Fields {
    var fields = Fields()
    for field in schema.fields {
        let isPresent = field.versions.contains(version) && (field.tag == nil || isFlexible)
        fields[field.name] =
            isPresent ? value(field.type, field.isNullable(version)) : field.defaultValue
    }
    return fields
}
