import Testing

@testable import KafkaBroker
@testable import KafkaWire

/// Requests that follow the schemas and are otherwise senseless.
private struct RandomRequests {
    private var generator: SplitMix64
    let version: Int16

    init(seed: UInt64, version: Int16) {
        generator = SplitMix64(state: seed)
        self.version = version
    }

    mutating func structure(_ schema: StructureSchema) -> Fields {
        var fields = Fields()
        for field in schema.fields where field.versions.contains(version) {
            fields[field.name] = value(of: field)
        }
        return fields
    }

    private mutating func value(of field: FieldSchema) -> WireValue {
        if field.isNullable(version), below(4) == 0 { return .null }
        return value(field.type)
    }

    private mutating func value(_ type: FieldType) -> WireValue {
        switch type {
        case .bool: .bool(below(2) == 0)
        case .int8: .int([-1, 0, 1, 2, 3, 4, 8, 127, -128][below(9)])
        case .int16: .int([-1, 0, 1, 2, Int64(Int16.max), Int64(Int16.min)][below(6)])
        case .int32, .uint16: .int([0, 1, 2, 3, -1, Int64(Int32.max), Int64(Int32.min)][below(7)])
        case .int64: .int([-5, -2, -1, 0, 1, 2, Int64.max, Int64.min][below(8)])
        case .uuid: .uuid(below(2) == 0 ? .zero : .random())
        case .string:
            .string(["", "t", "u", "1", "a b", "retention.ms", "cleanup.policy"][below(7)])
        case .bytes: .bytes([])
        case .array(let element): .array((0..<below(4)).map { _ in value(element) })
        case .structure(let schema): .structure(structure(schema))
        }
    }

    private mutating func below(_ bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &generator)
    }
}

struct RandomRequestTests {
    private static let keys: [APIKey] = [
        .listOffsets, .metadata, .createTopics, .deleteTopics, .deleteRecords,
        .offsetForLeaderEpoch, .describeAcls, .createAcls, .deleteAcls, .describeConfigs,
        .alterConfigs, .describeLogDirs, .createPartitions, .electLeaders,
        .incrementalAlterConfigs, .listPartitionReassignments, .describeCluster,
        .describeProducers, .describeTopicPartitions,
    ]

    @Test(arguments: keys)
    func `whatever is asked gets an answer that follows the schema`(_ key: APIKey) async throws {
        try await withBroker {
            // Topics come and go: few and small ones.
            $0.numPartitions = 2
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic("t", partitions: 3)
            try client.createTopic("u")
            let schema = try #require(MessageSchema.of(key))
            for version in schema.versions {
                for seed: UInt64 in 0..<40 {
                    var random = RandomRequests(seed: seed, version: version)
                    let request = random.structure(schema.request)
                    #expect(throws: Never.self, "version \(version): \(request)") {
                        _ = try client.request(key, version: version, request)
                    }
                }
            }
        }
    }
}
