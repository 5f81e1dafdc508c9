/// The named values of a message, or of a structure inside one.
///
/// A name that is missing counts as the default of the schema when the message is written, and as
/// the zero of the accessor's type when it is read here; decoded messages contain every name of
/// the schema, so only messages under construction have missing names.
public struct Fields: Hashable, Sendable {
    private var entries: [Entry]

    private struct Entry: Hashable, Sendable {
        var name: String
        var value: WireValue
    }

    /// No values yet.
    public init() { entries = [] }

    init(capacity: Int) {
        entries = []
        entries.reserveCapacity(capacity)
    }

    /// The value of a name; setting nil removes it.
    public subscript(_ name: String) -> WireValue? {
        get { entries.first { $0.name == name }?.value }
        set {
            let index = entries.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Adds a name that is known to be missing, without looking for it.
    mutating func append(_ name: String, _ value: WireValue) {
        entries.append(Entry(name: name, value: value))
    }

    /// The names that have a value, in the order they were set.
    public var names: [String] { entries.map(\.name) }
}

/// Typed reading. The schema fixes each type, so a wrong one is a mistake of the calling code: it
/// stops a debug build and reads as zero otherwise.
extension Fields {
    /// A truth value; false if missing.
    public func bool(_ name: String) -> Bool {
        guard case .bool(let value)? = checked(name, "bool") else { return false }
        return value
    }

    /// An integer of any width; 0 if missing.
    public func int64(_ name: String) -> Int64 {
        guard case .int(let value)? = checked(name, "int") else { return 0 }
        return value
    }

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
    public func uuid(_ name: String) -> UUID16 {
        guard case .uuid(let value)? = checked(name, "uuid") else { return .zero }
        return value
    }

    /// A text; empty if null or missing.
    public func string(_ name: String) -> String { optionalString(name) ?? "" }

    /// A text; nil if null or missing.
    public func optionalString(_ name: String) -> String? {
        guard case .string(let value)? = checked(name, "string") else { return nil }
        return value
    }

    /// Bytes; empty if null or missing.
    public func bytes(_ name: String) -> [UInt8] { optionalBytes(name) ?? [] }

    /// Bytes; nil if null or missing.
    public func optionalBytes(_ name: String) -> [UInt8]? {
        guard case .bytes(let value)? = checked(name, "bytes") else { return nil }
        return value
    }

    /// A structure; nil if null or missing.
    public func structure(_ name: String) -> Fields? {
        guard case .structure(let value)? = checked(name, "structure") else { return nil }
        return value
    }

    /// A list of structures; empty if null or missing.
    public func array(_ name: String) -> [Fields] { optionalArray(name) ?? [] }

    /// A list of structures; nil if null or missing.
    public func optionalArray(_ name: String) -> [Fields]? {
        guard case .array(let values)? = checked(name, "array") else { return nil }
        return values.compactMap {
            guard case .structure(let value) = $0 else { return nil }
            return value
        }
    }

    /// A list of texts; empty if null or missing.
    public func strings(_ name: String) -> [String] { optionalStrings(name) ?? [] }

    /// A list of texts; nil if null or missing.
    public func optionalStrings(_ name: String) -> [String]? {
        guard case .array(let values)? = checked(name, "array") else { return nil }
        return values.compactMap {
            guard case .string(let value) = $0 else { return nil }
            return value
        }
    }

    /// A list of 32-bit integers; empty if null or missing.
    public func int32s(_ name: String) -> [Int32] { optionalInt32s(name) ?? [] }

    /// A list of 32-bit integers; nil if null or missing.
    public func optionalInt32s(_ name: String) -> [Int32]? {
        guard case .array(let values)? = checked(name, "array") else { return nil }
        return values.compactMap {
            guard case .int(let value) = $0 else { return nil }
            return Int32(truncatingIfNeeded: value)
        }
    }

    private func checked(_ name: String, _ kind: String) -> WireValue? {
        guard let value = self[name] else { return nil }
        assert(value == .null || value.kind == kind, "\(name) is \(value.kind), not \(kind)")
        return value
    }
}

/// Typed writing.
extension Fields {
    /// Sets a truth value.
    public mutating func set(_ name: String, _ value: Bool) { self[name] = .bool(value) }

    /// Sets an integer.
    public mutating func set(_ name: String, _ value: some FixedWidthInteger & SignedInteger) {
        self[name] = .int(Int64(value))
    }

    /// Sets an error code.
    public mutating func set(_ name: String, _ value: ErrorCode) {
        self[name] = .int(Int64(value.rawValue))
    }

    /// Sets an identifier.
    public mutating func set(_ name: String, _ value: UUID16) { self[name] = .uuid(value) }

    /// Sets a text, or null.
    public mutating func set(_ name: String, _ value: String?) {
        self[name] = value.map { .string($0) } ?? .null
    }

    /// Sets bytes, or null.
    public mutating func set(_ name: String, _ value: [UInt8]?) {
        self[name] = value.map { .bytes($0) } ?? .null
    }

    /// Sets a structure, or null.
    public mutating func set(_ name: String, _ value: Fields?) {
        self[name] = value.map { .structure($0) } ?? .null
    }

    /// Sets a list of structures, or null.
    public mutating func set(_ name: String, _ values: [Fields]?) {
        self[name] = values.map { .array($0.map { .structure($0) }) } ?? .null
    }

    /// Sets a list of texts, or null.
    public mutating func set(_ name: String, _ values: [String]?) {
        self[name] = values.map { .array($0.map { .string($0) }) } ?? .null
    }

    /// Sets a list of integers, or null.
    public mutating func set(_ name: String, _ values: [Int32]?) {
        self[name] = values.map { .array($0.map { .int(Int64($0)) }) } ?? .null
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    /// Named values; a name must not be given twice.
    public init(dictionaryLiteral elements: (String, WireValue)...) {
        entries = elements.map { Entry(name: $0.0, value: $0.1) }
    }
}
