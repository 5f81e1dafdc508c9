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
    /// The name of the case, for messages about a value that does not fit.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uuid: "uuid"
        case .string: "string"
        case .bytes: "bytes"
        case .array: "array"
        case .structure: "structure"
        }
    }
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
