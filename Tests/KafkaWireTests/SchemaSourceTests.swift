import Foundation
import Testing

@testable import KafkaWire

/// Compares the schemas with Kafka's own message definitions, where those are at hand.
///
/// They are looked for in the folder that FRESHET_KAFKA_MESSAGES names, and in
/// `shared/kafka-messages` beside this package or beside a folder around it.
struct SchemaSourceTests {
    static let folder: URL? = {
        if let path = ProcessInfo.processInfo.environment["FRESHET_KAFKA_MESSAGES"] {
            return URL(fileURLWithPath: path)
        }
        var directory = URL(fileURLWithPath: #filePath)
        while directory.path != "/" {
            directory.deleteLastPathComponent()
            let candidate = directory.appendingPathComponent("shared/kafka-messages")
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        }
        return nil
    }()

    @Test(.enabled(if: folder != nil))
    func `every schema agrees with Kafka's definition in every version`() throws {
        for (name, schema) in schemasByName {
            let title = name.prefix(1).uppercased() + name.dropFirst()
            let request = try Definition(named: title + "Request")
            let response = try Definition(named: title + "Response")
            #expect(request.flexibleFrom == schema.flexibleFrom, "\(name)")
            #expect(response.flexibleFrom == schema.flexibleFrom, "\(name)")
            // Bodies of Produce 0 to 2 are not spoken.
            let lowest = name == "produce" ? 3 : schema.versions.lowerBound
            for version in lowest...schema.versions.upperBound {
                #expect(
                    shape(schema.request, version) == (try request.shape(version)),
                    "\(name) request v\(version)"
                )
                #expect(
                    shape(schema.response, version) == (try response.shape(version)),
                    "\(name) response v\(version)"
                )
            }
        }
    }

    /// One line for each field of a version.
    private func shape(_ schema: StructureSchema, _ version: Int16, indent: String = "") -> String {
        var lines = ""
        for field in schema.fields where field.versions.contains(version) {
            let tag = field.tag.map { "#\($0)" } ?? ""
            let null = field.isNullable(version) ? "?" : ""
            lines += "\(indent)\(field.name)\(tag): \(name(field.type))\(null)"
            lines += " = \(defaultText(field))\n"
            switch field.type {
            case .structure(let inner), .array(.structure(let inner)):
                lines += shape(inner, version, indent: indent + "  ")
            default: break
            }
        }
        return lines
    }

    private func defaultText(_ field: FieldSchema) -> String {
        switch (field.defaultValue, field.type) {
        case (.null, _): "null"
        case (.int(let value), _): "\(value)"
        case (.bool(let value), _): "\(value)"
        default: "zero"
        }
    }

    private func name(_ type: FieldType) -> String {
        switch type {
        case .array(let element): "[" + name(element) + "]"
        case .structure: "structure"
        default: "\(type)"
        }
    }
}

/// One of Kafka's JSON files.
private struct Definition {
    let json: [String: Any]

    init(named name: String) throws {
        let folder = try #require(SchemaSourceTests.folder)
        let text = try String(
            contentsOf: folder.appendingPathComponent(name + ".json"),
            encoding: .utf8
        )
        let withoutComments = text.split(separator: "\n").map { line in
            line.range(of: #"(^|\s)//.*"#, options: .regularExpression).map {
                String(line[..<$0.lowerBound])
            } ?? String(line)
        }.joined(separator: "\n")
        let value = try JSONSerialization.jsonObject(with: Data(withoutComments.utf8))
        json = try #require(value as? [String: Any])
    }

    var flexibleFrom: Int16? {
        (json["flexibleVersions"] as? String).flatMap { Int16($0.prefix { $0.isNumber }) }
    }

    func shape(_ version: Int16) throws -> String {
        try shape(json["fields"], version, indent: "")
    }

    private func shape(_ fields: Any?, _ version: Int16, indent: String) throws -> String {
        var lines = ""
        for field in try #require(fields as? [[String: Any]])
        where contains(field["versions"], version) {
            let title = try #require(field["name"] as? String)
            let type = try #require(field["type"] as? String)
            let tag = (field["tag"] as? Int).map { "#\($0)" } ?? ""
            let null = contains(field["nullableVersions"], version) ? "?" : ""
            let name = title.prefix(1).lowercased() + title.dropFirst()
            lines += "\(indent)\(name)\(tag): \(typeName(type))\(null)"
            lines += " = \(defaultText(field["default"], type))\n"
            let element = String(type.drop { $0 == "[" || $0 == "]" })
            let common = (json["commonStructs"] as? [[String: Any]])?.first {
                $0["name"] as? String == element
            }
            if let inner = field["fields"] ?? common?["fields"] {
                lines += try shape(inner, version, indent: indent + "  ")
            }
        }
        return lines
    }

    private func defaultText(_ value: Any?, _ type: String) -> String {
        if let value, "\(value)" == "null" { return "null" }
        let isNumber = type.hasPrefix("int") || type.hasPrefix("uint")
        guard isNumber || type == "bool" else { return "zero" }
        guard let value, "\(value)" != "" else { return isNumber ? "0" : "false" }
        let text = "\(value)"
        if text.hasPrefix("0x"), let number = Int64(text.dropFirst(2), radix: 16) {
            return "\(number)"
        }
        return type == "bool" ? (text == "true" || text == "1" ? "true" : "false") : text
    }

    private func typeName(_ type: String) -> String {
        if type.hasPrefix("[]") { return "[" + typeName(String(type.dropFirst(2))) + "]" }
        switch type {
        case "records": return "bytes"
        case _ where type.first?.isUppercase ?? false: return "structure"
        default: return type
        }
    }

    private func contains(_ range: Any?, _ version: Int16) -> Bool {
        guard let text = range as? String else { return false }
        if text.hasSuffix("+") { return Int16(text.dropLast()).map { version >= $0 } ?? false }
        let bounds = text.split(separator: "-").compactMap { Int16($0) }
        guard let first = bounds.first, let last = bounds.last else { return false }
        return (first...last).contains(version)
    }
}
