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
        var tree = try SettingTree(defaults: Self.defaults())
        if let path = self.file { try tree.merge(SettingReader.read(file: path)) }
        try EnvironmentLayer(environment).merge(into: &tree)
        for override in overrides {
            let path = EnvironmentLayer.path(override.key, in: tree.root)
            try tree.set(path, to: override.value, origin: .flag(override.flag))
        }
        settings = tree.root
        configuration = try SettingDecoder.decode(from: settings)
        try validate()
    }

    /// Every key with its default.
    static func defaults() throws(ConfigurationError) -> Setting {
        do {
            return try SettingEncoder.encode(Configuration())
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

/// Values from variables such as `FRESHET_TRAINER__PUBLISH_INTERVAL=100ms`.
///
/// Two underscores stand for a step down. A name without them is not a key: each key is in a group.
struct EnvironmentLayer {
    private let variables: [(name: String, value: String)]

    init(_ environment: [String: String]) {
        variables = environment.filter { $0.key.hasPrefix("FRESHET_") && $0.key.contains("__") }
            .sorted { $0.key < $1.key }
            .map { (name: $0.key, value: $0.value) }
    }

    /// Lays the variables over `tree`.
    func merge(into tree: inout SettingTree) throws(ConfigurationError) {
        for (name, value) in variables {
            let key = String(name.dropFirst("FRESHET_".count)).lowercased()
                .replacing("__", with: ".")
            let path = Self.path(key, in: tree.root, isVariable: true)
            try tree.set(path, to: value, origin: .environment(name))
        }
    }

    /// Splits a dotted key, but not below an open mapping: `kafka.properties.sasl.password` has
    /// three steps.
    ///
    /// There, a variable's single underscores are dots, since librdkafka's properties have dots and
    /// no underscores.
    static func path(_ key: String, in root: Setting, isVariable: Bool = false) -> [String] {
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
