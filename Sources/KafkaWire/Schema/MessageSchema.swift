/// What the requests and responses of one API look like in each version.
///
/// The files in `APIs/` state it as text:
///
///     key name: versions, flexible version
///       fields of the request
///     ->
///       fields of the response
///
/// Versions from the flexible one on have compact lengths and tagged fields. Fields stand in wire
/// order, commas between them:
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
    /// What Kafka calls it, with a small first letter.
    public let name: String
    /// The versions that can be offered to clients.
    public let versions: ClosedRange<Int16>
    /// The first version with compact lengths and tagged fields; nil if there is none.
    public let flexibleFrom: Int16?
    package let request: StructureSchema
    package let response: StructureSchema

    /// Reads the text of one API.
    private init(_ text: String) {
        let parts = text.split(separator: "->", omittingEmptySubsequences: false)
        let (head, fields) = (text.prefix { $0 != "\n" }, parts[0].drop { $0 != "\n" })
        let words = head.split { " :,".contains($0) }
        key = APIKey(rawValue: SchemaParser.number(words[0]))
        name = String(words[1])
        versions = SchemaParser.range(words[2])
        flexibleFrom = words.count > 4 ? SchemaParser.number(words[4]) : nil
        request = SchemaParser.parse(fields)
        response = SchemaParser.parse(parts[1])
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
    public static let all = [recordAPIs, groupAPIs, transactionAPIs, topicAPIs, clusterAPIs]
        .flatMap { $0.split(separator: "\n\n").map { MessageSchema(String($0)) } }
        .sorted { $0.key.rawValue < $1.key.rawValue }

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
