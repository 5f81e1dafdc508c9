package import KafkaWire

/// Typed writing.
extension Fields {
    /// Sets a truth value.
    package mutating func set(_ name: String, _ value: Bool) { self[name] = .bool(value) }

    /// Sets an integer.
    package mutating func set(_ name: String, _ value: some FixedWidthInteger & SignedInteger) {
        self[name] = .int(Int64(value))
    }

    /// Sets an error code.
    package mutating func set(_ name: String, _ value: ErrorCode) { set(name, value.rawValue) }

    /// Sets an identifier.
    package mutating func set(_ name: String, _ value: UUID16) { self[name] = .uuid(value) }

    /// Sets a text, or null.
    package mutating func set(_ name: String, _ value: String?) {
        set(name, value, WireValue.string)
    }

    /// Sets bytes, or null.
    package mutating func set(_ name: String, _ value: [UInt8]?) {
        set(name, value, WireValue.bytes)
    }

    /// Sets a structure, or null.
    package mutating func set(_ name: String, _ value: Fields?) {
        set(name, value, WireValue.structure)
    }

    /// Sets a list of structures, or null.
    package mutating func set(_ name: String, _ values: [Fields]?) {
        set(name, values) { .array($0.map { .structure($0) }) }
    }

    /// Sets a list of texts, or null.
    package mutating func set(_ name: String, _ values: [String]?) {
        set(name, values) { .array($0.map { .string($0) }) }
    }

    /// Sets a list of integers, or null.
    package mutating func set(_ name: String, _ values: [Int32]?) {
        set(name, values) { .array($0.map { .int(Int64($0)) }) }
    }

    private mutating func set<Value>(
        _ name: String,
        _ value: Value?,
        _ convert: (Value) -> WireValue
    ) {
        self[name] = value.map(convert) ?? .null
    }
}
