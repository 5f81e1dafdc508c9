/// The named values of a message, or of a structure inside one.
///
/// A name that is missing counts as the default of the schema when the message is written, and as
/// the zero of the accessor's type when it is read here; decoded messages contain every name of
/// the schema, so only messages under construction have missing names. A decoded message is read
/// from its bytes each time: ask once for what is needed more than once.
public struct Fields: Sendable {
    private var storage: Storage

    private enum Storage: Sendable {
        case built([Entry])
        case decoded(IndexedMessage, StructureSchema, slot: UInt32)
    }

    private struct Entry: Hashable, Sendable {
        var name: String
        var value: WireValue
    }

    /// No values yet.
    public init() { storage = .built([]) }

    /// A structure of a decoded message, whose slots begin somewhere.
    init(_ message: IndexedMessage, _ schema: StructureSchema, slot: UInt32) {
        storage = .decoded(message, schema, slot: slot)
    }

    /// The value of a name; setting nil removes it.
    public subscript(_ name: String) -> WireValue? {
        get {
            switch storage {
            case .built(let entries): entries.first { $0.name == name }?.value
            case .decoded(let message, let schema, let slot):
                message.value(name, of: schema, at: slot)
            }
        }
        set {
            var entries = entries
            storage = .built([])  // So that there is one owner, and nothing is copied below.
            let index = entries.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(name: name, value: value))
            case (nil, nil): break
            }
            storage = .built(entries)
        }
    }

    /// How many names have a value.
    var count: Int { entries.count }

    /// The names that have a value, in the order they were set.
    public var names: [String] { entries.map(\.name) }

    private var entries: [Entry] {
        switch storage {
        case .built(let entries): entries
        case .decoded(_, let schema, _):
            schema.fields.map { Entry(name: $0.name, value: self[$0.name] ?? $0.defaultValue) }
        }
    }
}

extension Fields: Hashable {
    /// Whether the values are the same, built or decoded.
    public static func == (one: Fields, other: Fields) -> Bool { one.entries == other.entries }

    /// Adds all values to a hash.
    public func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}

extension Fields: ExpressibleByDictionaryLiteral {
    /// Named values; a name must not be given twice.
    public init(dictionaryLiteral elements: (String, WireValue)...) {
        storage = .built(elements.map { Entry(name: $0.0, value: $0.1) })
    }
}

/// Typed reading. The schema fixes each type, so a wrong one is a mistake of the calling code: it
/// stops a debug build and reads as zero otherwise.
extension Fields {
    /// A truth value; false if missing.
    public func bool(_ name: String) -> Bool { value(name, \.asBool) ?? false }

    /// An integer of any width; 0 if missing.
    public func int64(_ name: String) -> Int64 { value(name, \.asInteger) ?? 0 }

    /// An integer of at most 32 bits; 0 if missing.
    public func int32(_ name: String) -> Int32 { Int32(truncatingIfNeeded: int64(name)) }

    /// An integer of at most 16 bits; 0 if missing.
    public func int16(_ name: String) -> Int16 { Int16(truncatingIfNeeded: int64(name)) }

    /// An integer of 8 bits; 0 if missing.
    public func int8(_ name: String) -> Int8 { Int8(truncatingIfNeeded: int64(name)) }

    /// An error code; `.none` if missing.
    public func errorCode(_ name: String = "errorCode") -> ErrorCode {
        ErrorCode(rawValue: int16(name))
    }

    /// An identifier; zero if missing.
    public func uuid(_ name: String) -> UUID16 { value(name, \.asUUID) ?? .zero }

    /// A text; empty if null or missing.
    public func string(_ name: String) -> String { optionalString(name) ?? "" }

    /// A text; nil if null or missing.
    public func optionalString(_ name: String) -> String? { value(name, \.asString) }

    /// Bytes; empty if null or missing.
    public func bytes(_ name: String) -> [UInt8] { optionalBytes(name) ?? [] }

    /// Bytes; nil if null or missing.
    public func optionalBytes(_ name: String) -> [UInt8]? { value(name, \.asBytes) }

    /// A structure; nil if null or missing.
    public func structure(_ name: String) -> Fields? { value(name, \.asFields) }

    /// A list of structures; empty if null or missing.
    public func array(_ name: String) -> [Fields] { optionalArray(name) ?? [] }

    /// A list of structures; nil if null or missing.
    public func optionalArray(_ name: String) -> [Fields]? {
        list(name) { $0.asFields ?? Fields() }
    }

    /// A list of texts; empty if null or missing.
    public func strings(_ name: String) -> [String] { optionalStrings(name) ?? [] }

    /// A list of texts; nil if null or missing.
    public func optionalStrings(_ name: String) -> [String]? {
        list(name) { $0.asString ?? "" }
    }

    /// A list of 32-bit integers; empty if null or missing.
    public func int32s(_ name: String) -> [Int32] { optionalInt32s(name) ?? [] }

    /// A list of 32-bit integers; nil if null or missing.
    public func optionalInt32s(_ name: String) -> [Int32]? {
        list(name) { Int32(truncatingIfNeeded: $0.asInteger ?? 0) }
    }

    private func value<Value>(_ name: String, _ convert: (WireValue) -> Value?) -> Value? {
        guard let value = self[name], !value.isNull else { return nil }
        let converted = convert(value)
        assert(converted != nil, "\(name) is \(value)")
        return converted
    }

    private func list<Element>(
        _ name: String,
        _ convert: (WireValue) -> Element
    ) -> [Element]? {
        switch storage {
        case .built: value(name, \.asArray)?.map(convert)
        case .decoded(let message, let schema, let slot):
            message.list(name, of: schema, at: slot, convert)
        }
    }
}
