/// Reads the fields in the text form of a schema, described at `MessageSchema`.
///
/// The texts are part of this module, so a mistake in one is our own: it stops the process, and
/// the tests read every text.
struct SchemaParser {
    private var tokens: ArraySlice<Substring>
    private static let allVersions: ClosedRange<Int16> = 0...Int16.max

    static func parse(_ text: Substring) -> StructureSchema {
        var parser = SchemaParser(tokens: tokenize(text)[...])
        return StructureSchema(fields: parser.fields(until: nil))
    }

    /// Splits a text into words and marks.
    private static func tokenize(_ text: Substring) -> [Substring] {
        var spaced = ""
        for character in text {
            spaced += "@#:?=[]{}".contains(character) ? " \(character) " : String(character)
        }
        return spaced.split { $0.isWhitespace || $0 == "," }
    }

    private mutating func fields(until end: Substring?) -> [FieldSchema] {
        var fields: [FieldSchema] = []
        while tokens.first != end { fields.append(field()) }
        if end != nil { tokens.removeFirst() }
        return fields
    }

    private mutating func field() -> FieldSchema {
        let name = next()
        let versions = accept("@") ? Self.range(next()) : Self.allVersions
        let tag: UInt32? = accept("#") ? Self.number(next()) : nil
        precondition(accept(":"), "the schema's field \(name) has no type")
        let type = type()
        var nullable: ClosedRange<Int16>?
        if accept("?") {
            let hasRange = tokens.first?.first?.isNumber ?? false
            nullable = hasRange ? Self.range(next()) : Self.allVersions
        }
        let defaultValue = accept("=") ? value(next()) : type.zero
        return FieldSchema(
            name: String(name),
            versions: versions,
            tag: tag,
            type: type,
            nullableVersions: nullable,
            defaultValue: defaultValue
        )
    }

    private mutating func type() -> FieldType {
        let token = next()
        switch token {
        case "{": return .structure(StructureSchema(fields: fields(until: "}")))
        case "[":
            guard tokens.dropFirst().first == "]" else {
                return .array(.structure(StructureSchema(fields: fields(until: "]"))))
            }
            defer { tokens.removeFirst() }
            return .array(type())
        default:
            guard let type = FieldType.named[token] else {
                preconditionFailure("the schema has an unknown type \(token)")
            }
            return type
        }
    }

    /// Reads versions: `3+`, `0-2`, `4`.
    static func range(_ text: Substring) -> ClosedRange<Int16> {
        if text.hasSuffix("+") { return number(text.dropLast())...Int16.max }
        let bounds = text.split(separator: "-")
        return number(bounds[0])...number(bounds[bounds.count - 1])
    }

    private func value(_ text: Substring) -> WireValue {
        switch text {
        case "null": .null
        case "true": .bool(true)
        default: .int(Self.number(text))
        }
    }

    static func number<T: FixedWidthInteger>(_ text: Substring) -> T {
        guard let value = T(text) else {
            preconditionFailure("the schema has \(text) in the place of a number")
        }
        return value
    }

    private mutating func next() -> Substring {
        guard let token = tokens.popFirst() else {
            preconditionFailure("the schema ends in the middle of a field")
        }
        return token
    }

    private mutating func accept(_ token: Substring) -> Bool {
        guard tokens.first == token else { return false }
        tokens.removeFirst()
        return true
    }
}
