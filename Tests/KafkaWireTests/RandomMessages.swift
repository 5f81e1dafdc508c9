@testable import KafkaWire

/// The names that the golden bytes use for the APIs.
let schemasByName: [String: MessageSchema] = [
    "produce": .produce, "fetch": .fetch, "listOffsets": .listOffsets, "metadata": .metadata,
    "offsetCommit": .offsetCommit, "offsetFetch": .offsetFetch,
    "findCoordinator": .findCoordinator, "joinGroup": .joinGroup, "heartbeat": .heartbeat,
    "leaveGroup": .leaveGroup, "syncGroup": .syncGroup, "describeGroups": .describeGroups,
    "listGroups": .listGroups, "apiVersions": .apiVersions, "createTopics": .createTopics,
    "deleteTopics": .deleteTopics, "deleteRecords": .deleteRecords,
    "initProducerId": .initProducerId, "offsetForLeaderEpoch": .offsetForLeaderEpoch,
    "addPartitionsToTxn": .addPartitionsToTxn, "addOffsetsToTxn": .addOffsetsToTxn,
    "endTxn": .endTxn, "txnOffsetCommit": .txnOffsetCommit, "describeAcls": .describeAcls,
    "createAcls": .createAcls, "deleteAcls": .deleteAcls, "describeConfigs": .describeConfigs,
    "alterConfigs": .alterConfigs, "describeLogDirs": .describeLogDirs,
    "createPartitions": .createPartitions, "deleteGroups": .deleteGroups,
    "electLeaders": .electLeaders, "incrementalAlterConfigs": .incrementalAlterConfigs,
    "listPartitionReassignments": .listPartitionReassignments, "offsetDelete": .offsetDelete,
    "describeCluster": .describeCluster, "describeProducers": .describeProducers,
    "describeTransactions": .describeTransactions, "listTransactions": .listTransactions,
    "describeTopicPartitions": .describeTopicPartitions,
]

/// A generator that repeats its numbers from the same seed (Steele et al., SplitMix64).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// A message in which each field has one fixed value for its type, and lists two elements.
func standardFields(_ schema: StructureSchema, _ version: Int16, _ isFlexible: Bool) -> Fields {
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
func randomFields(
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

private func build(
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

/// FNV-1a of 64 bits.
func fnv(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}
