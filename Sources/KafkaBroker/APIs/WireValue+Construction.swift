import KafkaWire

/// What answers are made of.
extension WireValue {
    /// An integer of any width.
    static func number(_ value: some FixedWidthInteger & SignedInteger) -> WireValue {
        .int(Int64(value))
    }

    /// An error code.
    static func code(_ code: ErrorCode) -> WireValue { .int(Int64(code.rawValue)) }

    /// A text, or null.
    static func text(_ text: String?) -> WireValue { text.map { .string($0) } ?? .null }

    /// A list of structures.
    static func list(_ structures: some Sequence<Fields>) -> WireValue {
        .array(structures.map { .structure($0) })
    }
}
