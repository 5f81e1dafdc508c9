/// Settings laid over each other: defaults first, then file, environment and flags.
struct SettingTree: Sendable, Equatable {
    /// The values that hold.
    private(set) var root: Setting

    /// Begins with defaults, which also say what keys there are.
    init(defaults: Setting) { root = defaults }

    /// Lays a group of keys over what is there.
    ///
    /// Throws at an unknown key.
    mutating func merge(_ layer: Setting) throws(ConfigurationError) {
        root = try merged(root, with: layer, path: [])
    }

    /// Lays one value, given as text, over what is there.
    ///
    /// A group or list is read as YAML.
    mutating func set(
        _ path: [String],
        to text: String,
        origin: Setting.Origin
    ) throws(ConfigurationError) {
        var value = Setting(content: .scalar(text, .plain), origin: origin)
        switch root.at(path)?.content {
        case .mapping, .list:
            value = try SettingReader(file: "\(origin)").parse(text)
            value = Self.attribute(value, to: origin)
        default: break
        }
        for key in path.reversed() {
            let mapping = Setting.Mapping(entries: [(key, value)])
            value = Setting(content: .mapping(mapping), origin: origin)
        }
        try merge(value)
    }

    private func merged(
        _ base: Setting,
        with layer: Setting,
        path: [String]
    ) throws(ConfigurationError) -> Setting {
        guard case .mapping(var mapping) = base.content else { return layer }
        switch layer.content {
        case .null:
            // `trainer:` with every key under it commented out.
            return base
        case .mapping(let additions):
            for (key, value) in additions.entries {
                if let known = mapping[key] {
                    mapping[key] = try merged(known, with: value, path: path + [key])
                } else if mapping.isOpen {
                    mapping[key] = value
                } else {
                    throw unknownKey(key, value.origin, path: path, siblings: mapping)
                }
            }
            let origin = mapping.isOpen ? layer.origin : base.origin
            return Setting(content: .mapping(mapping), origin: origin)
        case .list, .scalar:
            throw SettingDecoder(setting: layer, path: path).mismatch("a group of keys")
        }
    }

    private func unknownKey(
        _ key: String,
        _ origin: Setting.Origin,
        path: [String],
        siblings: Setting.Mapping
    ) -> ConfigurationError {
        let name = (path + [key]).joined(separator: ".")
        return ConfigurationError(
            .unknownKey,
            "\(origin): unknown key \"\(name)\"",
            remedy: remedy(key, path: path, siblings: siblings.entries.map(\.key))
        )
    }

    private func remedy(_ key: String, path: [String], siblings: [String]) -> String {
        let prefix = path.map { $0 + "." }.joined()
        if let near = Suggestion.nearest(to: key, in: siblings) {
            return "did you mean \"\(prefix)\(near)\"?"
        }
        // The right name in the wrong group.
        let elsewhere = root.leaves().map(\.path).first { $0.last == key }
        if let elsewhere { return "did you mean \"\(elsewhere.joined(separator: "."))\"?" }
        let place = path.isEmpty ? "at the top" : "under \"\(path.joined(separator: "."))\""
        return "the keys \(place) are \(siblings.joined(separator: ", "))"
    }

    private static func attribute(_ setting: Setting, to origin: Setting.Origin) -> Setting {
        var setting = setting
        setting.origin = origin
        switch setting.content {
        case .mapping(var mapping):
            for index in mapping.entries.indices {
                mapping.entries[index].value = attribute(
                    mapping.entries[index].value,
                    to: origin
                )
            }
            setting.content = .mapping(mapping)
        case .list(let elements):
            setting.content = .list(elements.map { attribute($0, to: origin) })
        case .scalar, .null: break
        }
        return setting
    }
}
