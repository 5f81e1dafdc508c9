import KafkaClient

/// What one of `topics/*.yaml` says: purpose, key, partitions, properties and the value's schema.
struct TopicDeclaration: Sendable, Equatable {
    /// Which topic it declares.
    let role: TopicRole
    /// The file that says so, for messages.
    let file: String
    /// What the topic is for.
    let purpose: String
    /// What the key of a record is.
    let key: String
    /// The number of partitions.
    let partitions: Int
    /// Kafka's topic properties, such as `cleanup.policy`.
    let properties: [String: String]
    /// How a value is encoded: `json`, or in words what else.
    let format: String
    /// The JSON Schema of a value; nil where values are not JSON.
    let schema: JSONDocument?

    /// The form of the file.
    ///
    /// Keys that are not listed here are refused.
    private struct Form: Codable {
        var topic = ""
        var purpose = ""
        var key = ""
        var partitions = 0
        var config: [String: String] = [:]
        var value = Value()

        struct Value: Codable {
            var format = ""
        }
    }

    /// Reads a declaration.
    init(yaml text: String, file: String) throws(ConfigurationError) {
        var document = try SettingReader(file: file).parse(text)
        schema = Self.takeSchema(from: &document)
        let form = try Self.form(document)
        guard let role = TopicRole(rawValue: form.topic) else {
            throw Self.invalid(
                document,
                file,
                ["topic"],
                "one of \(TopicRole.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        guard (1...10_000).contains(form.partitions) else {
            throw Self.invalid(document, file, ["partitions"], "1 to 10000")
        }
        guard !form.purpose.isEmpty else {
            throw Self.invalid(document, file, ["purpose"], "a sentence")
        }
        self.role = role
        self.file = file
        purpose = form.purpose
        key = form.key
        partitions = form.partitions
        properties = form.config
        format = form.value.format
    }

    /// The topic to be created.
    func newTopic(name: String, replicationFactor: Int) -> NewTopic {
        NewTopic(
            name: name,
            partitionCount: partitions,
            replicationFactor: replicationFactor,
            configuration: properties
        )
    }

    private static func form(_ document: Setting) throws(ConfigurationError) -> Form {
        let defaults: Setting
        do {
            defaults = try SettingEncoder.encode(Form())
        } catch {
            preconditionFailure("the form cannot be encoded: \(error)")
        }
        var tree = SettingTree(defaults: defaults)
        try tree.merge(document)
        return try SettingDecoder.decode(from: tree.root)
    }

    /// A schema has keys of its own: it is taken out of the document before that is checked.
    private static func takeSchema(from document: inout Setting) -> JSONDocument? {
        guard case .mapping(var top) = document.content, var value = top["value"],
            case .mapping(var fields) = value.content, let schema = fields["schema"]
        else { return nil }
        fields["schema"] = nil
        value.content = .mapping(fields)
        top["value"] = value
        document.content = .mapping(top)
        return JSONDocument(schema)
    }

    private static func invalid(
        _ document: Setting,
        _ file: String,
        _ path: [String],
        _ expectation: String
    ) -> ConfigurationError {
        let name = path.joined(separator: ".")
        guard let setting = document.at(path) else {
            return ConfigurationError(
                .missingKey,
                "\(file): \"\(name)\" is missing",
                remedy: "add it: \(expectation)"
            )
        }
        return ConfigurationError(
            .outOfRange,
            "\(setting.origin): \"\(name)\" is \(setting.excerpt)",
            remedy: "expected \(expectation)"
        )
    }
}

/// A JSON value, made from YAML.
enum JSONDocument: Codable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([JSONDocument])
    case object([String: JSONDocument])

    /// The value that YAML's core schema gives to a setting.
    init(_ setting: Setting) {
        switch setting.content {
        case .null: self = .null
        case .list(let elements): self = .list(elements.map(JSONDocument.init))
        case .mapping(let mapping):
            self = .object(
                Dictionary(
                    mapping.entries.map { ($0.key, JSONDocument($0.value)) },
                    uniquingKeysWith: { _, last in last }
                )
            )
        case .scalar(let text, .quoted): self = .text(text)
        case .scalar(let text, .plain):
            if let bool = Bool(text) {
                self = .bool(bool)
            } else if let integer = Int64(text) {
                self = .integer(integer)
            } else if let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                self = .text(text)
            }
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONDocument].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONDocument].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// The value of a key; nil when this is no object or has no such key.
    subscript(key: String) -> JSONDocument? {
        guard case .object(let fields) = self else { return nil }
        return fields[key]
    }
}
