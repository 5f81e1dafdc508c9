/// One value of a Kafka message, in the shape that the message's schema gives it.
public enum WireValue: Hashable, Sendable {
    /// The absence of a nullable string, byte string, array or structure.
    case null
    /// A truth value.
    case bool(Bool)
    /// An integer of any width; the schema says which.
    case int(Int64)
    /// A 16-byte identifier.
    case uuid(UUID16)
    /// A text.
    case string(String)
    /// Bytes that this codec does not look into.
    case bytes([UInt8])
    /// A list of values of one type.
    case array([WireValue])
    /// Named values.
    case structure(Fields)
}

extension WireValue {
    var isNull: Bool { if case .null = self { true } else { false } }
    var asBool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var asInteger: Int64? { if case .int(let value) = self { value } else { nil } }
    var asUUID: UUID16? { if case .uuid(let value) = self { value } else { nil } }
    var asString: String? { if case .string(let value) = self { value } else { nil } }
    var asBytes: [UInt8]? { if case .bytes(let value) = self { value } else { nil } }
    var asArray: [WireValue]? { if case .array(let value) = self { value } else { nil } }
    var asFields: Fields? { if case .structure(let value) = self { value } else { nil } }
}

/// Literals, so that `fields["port"] = 9092` and `["name": "events", "port": 9092]` can be written.
extension WireValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral
{
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Null.
    public init(nilLiteral: ()) { self = .null }
    /// A list.
    public init(arrayLiteral elements: WireValue...) { self = .array(elements) }
}
