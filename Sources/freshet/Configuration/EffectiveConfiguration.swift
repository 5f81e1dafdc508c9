import Foundation

/// The configuration that holds, and for each value who set it.
struct EffectiveConfiguration: Sendable {
    /// A value given on the command line.
    struct Override: Sendable {
        /// The dotted key.
        var key: String
        /// The value as text.
        var value: String
        /// The option's name, for messages.
        var flag: String
    }

    /// The files looked for when none is named, first one first.
    static let defaultFiles = ["config/freshet.yaml", "freshet.yaml"]

    /// The values.
    let configuration: Configuration
    /// The same values with their origins.
    let settings: Setting
    /// The file that was read; nil when there is none.
    let file: String?

    /// Reads file, environment and flags, each over the one before.
    init(
        file: String? = nil,
        environment: [String: String] = [:],
        overrides: [Override] = [],
        exists: (String) -> Bool = { FileManager.default.fileExists(atPath: $0) }
    ) throws(ConfigurationError) {
        self.file = file ?? Self.defaultFiles.first(where: exists)
        let layers = Layers(
            file: try self.file.map { path throws(ConfigurationError) in
                try SettingReader.read(file: path)
            },
            assignments: Assignment.variables(environment) + overrides.map(Assignment.init)
        )
        settings = try layers.laid(over: Self.defaults(of: try layers.kind()))
        configuration = try SettingDecoder.decode(from: settings)
        try validate()
    }

    /// Every key with its default, when the model is of this kind.
    static func defaults(of kind: ModelKind) -> Setting {
        do {
            return try SettingEncoder.encode(kind.defaults)
        } catch {
            preconditionFailure("the defaults cannot be encoded: \(error)")
        }
    }

    /// Throws, naming key, place and value, unless `condition` holds.
    func require(
        _ condition: Bool,
        _ key: String,
        _ expectation: String
    ) throws(ConfigurationError) {
        guard !condition else { return }
        let path = key.split(separator: ".").map(String.init)
        guard let setting = settings.at(path) else {
            preconditionFailure("no key \(key)")
        }
        throw ConfigurationError(
            .outOfRange,
            "\(setting.origin): \"\(key)\" is \(setting.excerpt)",
            remedy: "expected \(expectation)"
        )
    }

    /// Who set a key; the program when nobody did.
    func origin(of key: String) -> Setting.Origin {
        settings.at(key.split(separator: ".").map(String.init))?.origin ?? .builtIn
    }
}

/// What is laid over the defaults.
private struct Layers {
    let file: Setting?
    /// Laid over the file, in order.
    let assignments: [Assignment]

    /// What kind of model they ask for, which decides what keys there are.
    func kind() throws(ConfigurationError) -> ModelKind {
        var kind = file?.at(["model", "kind"])
        for assignment in assignments { kind = assignment.modelKind ?? kind }
        guard let kind else { return Configuration.Model().kind }
        return try SettingDecoder.decode(from: kind, path: ["model", "kind"])
    }

    func laid(over defaults: Setting) throws(ConfigurationError) -> Setting {
        var tree = SettingTree(defaults: defaults)
        if let file { try tree.merge(file) }
        for assignment in assignments {
            try tree.set(
                assignment.path(in: tree.root),
                to: assignment.text,
                origin: assignment.origin
            )
        }
        return tree.root
    }
}

/// A key and its value as text, from a variable or an option.
private struct Assignment {
    let key: String
    let text: String
    let origin: Setting.Origin
    private let isVariable: Bool

    /// Those of variables such as `FRESHET_TRAINER__PUBLISH_INTERVAL=100ms`.
    ///
    /// Two underscores stand for a step down. A name without them is not a key: each key is in a
    /// group.
    static func variables(_ environment: [String: String]) -> [Assignment] {
        environment.filter { $0.key.hasPrefix("FRESHET_") && $0.key.contains("__") }
            .sorted { $0.key < $1.key }
            .map(Assignment.init(variable:value:))
    }

    private init(variable: String, value: String) {
        key = variable.dropFirst("FRESHET_".count).lowercased().replacing("__", with: ".")
        text = value
        origin = .environment(variable)
        isVariable = true
    }

    init(_ override: EffectiveConfiguration.Override) {
        key = override.key
        text = override.value
        origin = .flag(override.flag)
        isVariable = false
    }

    /// The kind of model that it sets; nil when it sets something else.
    var modelKind: Setting? {
        switch key {
        case "model.kind": Setting(content: .scalar(text, .plain), origin: origin)
        case "model": (try? SettingReader(file: "\(origin)").parse(text))?.at(["kind"])
        default: nil
        }
    }

    /// Splits the key, but not below an open mapping: `kafka.properties.sasl.password` has three
    /// steps.
    ///
    /// There, a variable's single underscores are dots, since librdkafka's properties have dots and
    /// no underscores.
    func path(in root: Setting) -> [String] {
        var path: [String] = []
        var setting: Setting? = root
        var rest = key[...]
        while !rest.isEmpty {
            if case .mapping(let mapping) = setting?.content, mapping.isOpen {
                path.append(isVariable ? String(rest).replacing("_", with: ".") : String(rest))
                break
            }
            let step = rest.prefix { $0 != "." }
            path.append(String(step))
            setting = setting?.at([String(step)])
            rest = rest[step.endIndex...].dropFirst()
        }
        return path
    }
}
