/// What the requests and responses of one API look like in each version.
///
/// The files in `APIs/` state it as text, fields in wire order, commas between them:
///
///     name@versions#tag: type?versions = default
///
/// `@3+`, `@0-2`, `@4` name the versions that have the field; none means all of the API's.
/// `#0` makes it a tagged field. `?` after the type makes it nullable, `?7+` from version 7.
/// Types are bool, i8, i16, i32, i64, u16, uuid, str, bytes, `[` list `]` and `{` structure `}`;
/// a list of structures names their fields between its brackets.
public struct MessageSchema: Sendable {
    /// Which API it is.
    public let key: APIKey
    /// The versions that can be offered to clients.
    public let versions: ClosedRange<Int16>
    /// The first version with compact lengths and tagged fields; nil if there is none.
    public let flexibleFrom: Int16?
    package let request: StructureSchema
    package let response: StructureSchema

    init(
        _ key: APIKey,
        versions: ClosedRange<Int16>,
        flexibleFrom: Int16?,
        request: String,
        response: String
    ) {
        self.key = key
        self.versions = versions
        self.flexibleFrom = flexibleFrom
        self.request = SchemaParser.parse(request)
        self.response = SchemaParser.parse(response)
    }

    /// Whether a version uses compact lengths and tagged fields.
    public func isFlexible(_ version: Int16) -> Bool { flexibleFrom.map { version >= $0 } ?? false }

    /// Whether the header of a response ends with tagged fields.
    ///
    /// ApiVersions answers always have the old header, so that any client can read them.
    public func hasTagsInResponseHeader(_ version: Int16) -> Bool {
        key != .apiVersions && isFlexible(version)
    }

    /// The schema of an API; nil if this codec does not know it.
    public static func of(_ key: APIKey) -> MessageSchema? { byKey[key] }

    /// Every schema, in the order of the keys.
    public static let all: [MessageSchema] = [
        .produce, .fetch, .listOffsets, .metadata, .offsetCommit, .offsetFetch, .findCoordinator,
        .joinGroup, .heartbeat, .leaveGroup, .syncGroup, .describeGroups, .listGroups,
        .apiVersions, .createTopics, .deleteTopics, .deleteRecords, .initProducerId,
        .offsetForLeaderEpoch, .addPartitionsToTxn, .addOffsetsToTxn, .endTxn, .txnOffsetCommit,
        .describeAcls, .createAcls, .deleteAcls, .describeConfigs, .alterConfigs,
        .describeLogDirs, .createPartitions, .deleteGroups, .electLeaders,
        .incrementalAlterConfigs, .listPartitionReassignments, .offsetDelete, .describeCluster,
        .describeProducers, .describeTransactions, .listTransactions, .describeTopicPartitions,
    ]

    private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
}

/// The fields of a structure in wire order, those with tags in the order of their tags.
package struct StructureSchema: Sendable, Equatable {
    package var fields: [FieldSchema]

    /// The field of a name; nil if there is none.
    subscript(_ name: String) -> FieldSchema? { fields.first { $0.name == name } }

    /// A structure in which every field has its default.
    var defaults: Fields {
        fields.reduce(into: Fields()) { $0[$1.name] = $1.defaultValue }
    }
}

/// One field of a structure.
package struct FieldSchema: Sendable, Equatable {
    package var name: String
    /// The versions that have the field.
    package var versions: ClosedRange<Int16>
    /// The tag, if it is a tagged field.
    package var tag: UInt32?
    package var type: FieldType
    /// The versions in which it can be null.
    var nullableVersions: ClosedRange<Int16>?
    package var defaultValue: WireValue

    package func isNullable(_ version: Int16) -> Bool {
        nullableVersions?.contains(version) ?? false
    }
}

/// The type of a field.
package indirect enum FieldType: Sendable, Equatable {
    case bool, int8, int16, int32, int64, uint16, uuid, string, bytes
    case array(FieldType)
    case structure(StructureSchema)

    /// The types without parts, as the texts call them.
    static let named: [Substring: FieldType] = [
        "bool": .bool, "i8": .int8, "i16": .int16, "i32": .int32, "i64": .int64, "u16": .uint16,
        "uuid": .uuid, "str": .string, "bytes": .bytes,
    ]

    /// The value of a field that says nothing else about its default.
    var zero: WireValue {
        switch self {
        case .bool: .bool(false)
        case .int8, .int16, .int32, .int64, .uint16: .int(0)
        case .uuid: .uuid(.zero)
        case .string: .string("")
        case .bytes: .bytes([])
        case .array: .array([])
        case .structure(let schema): .structure(schema.defaults)
        }
    }
}
