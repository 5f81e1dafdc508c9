/// Reads the text form of a schema, described at `MessageSchema`.
///
/// The texts are part of this module, so a mistake in one is our own: it stops the process, and
/// the tests read every text.
struct SchemaParser {
    private var tokens: ArraySlice<Substring>
    private static let allVersions: ClosedRange<Int16> = 0...Int16.max

    static func parse(_ text: String) -> StructureSchema {
        var parser = SchemaParser(tokens: tokenize(text)[...])
        let fields = parser.fields(until: nil)
        return StructureSchema(fields: fields)
    }

    private static func tokenize(_ text: String) -> [Substring] {
        var tokens: [Substring] = []
        var rest = text[...]
        while let first = rest.first {
            if first.isWhitespace || first == "," {
                rest.removeFirst()
            } else if first.isLetter || first.isNumber || first == "-" {
                let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "+" }
                tokens.append(word)
                rest = rest[word.endIndex...]
            } else {
                tokens.append(rest.prefix(1))
                rest.removeFirst()
            }
        }
        return tokens
    }

    private mutating func fields(until end: Substring?) -> [FieldSchema] {
        var fields: [FieldSchema] = []
        while tokens.first != end { fields.append(field()) }
        if end != nil { tokens.removeFirst() }
        return fields
    }

    private mutating func field() -> FieldSchema {
        let name = next()
        let versions = accept("@") ? range(next()) : Self.allVersions
        let tag = accept("#") ? UInt32(integer(next())) : nil
        expect(":")
        let type = type()
        var nullable: ClosedRange<Int16>?
        if accept("?") {
            let hasRange = tokens.first?.first?.isNumber ?? false
            nullable = hasRange ? range(next()) : Self.allVersions
        }
        let defaultValue = accept("=") ? value(next(), type) : type.zero
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
        switch next() {
        case "bool": return .bool
        case "i8": return .int8
        case "i16": return .int16
        case "i32": return .int32
        case "i64": return .int64
        case "u16": return .uint16
        case "uuid": return .uuid
        case "str": return .string
        case "bytes": return .bytes
        case "{": return .structure(StructureSchema(fields: fields(until: "}")))
        case "[":
            if tokens.dropFirst().first == "]" {
                let element = type()
                expect("]")
                return .array(element)
            }
            return .array(.structure(StructureSchema(fields: fields(until: "]"))))
        case let other: preconditionFailure("the schema has an unknown type \(other)")
        }
    }

    private func range(_ text: Substring) -> ClosedRange<Int16> {
        let bounds = text.split(separator: "-")
        if text.hasSuffix("+") { return integer(text.dropLast())...Int16.max }
        if bounds.count == 2 { return integer(bounds[0])...integer(bounds[1]) }
        return integer(text)...integer(text)
    }

    private func integer(_ text: Substring) -> Int16 {
        guard let value = Int16(text) else {
            preconditionFailure("the schema has \(text) in the place of a number")
        }
        return value
    }

    private func value(_ text: Substring, _ type: FieldType) -> WireValue {
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        default:
            guard let number = Int64(text) else {
                preconditionFailure("the schema has an unknown default \(text)")
            }
            return .int(number)
        }
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

    private mutating func expect(_ token: Substring) {
        let found = next()
        precondition(found == token, "the schema has \(found) in the place of \(token)")
    }
}
