import KafkaWire

/// The settings of one topic that differ from the broker's defaults, checked.
struct TopicConfiguration: Sendable, Equatable {
    /// The settings that were given, by name.
    private(set) var values: [String: String] = [:]

    /// All defaults.
    init() {}

    /// Takes settings that were checked when they were stored.
    init(stored values: [String: String]) { self.values = values }

    /// Checks settings that a client gives; a null value means the default.
    ///
    /// - Throws: `BrokerError` that names key and value.
    init(
        checking settings: some Sequence<(name: String, value: String?)>
    ) throws(BrokerError) {
        for (name, value) in settings {
            guard let value else {
                throw BrokerError(.invalidConfig, "Configuration \(name) has no value.")
            }
            try set(name, to: value)
        }
    }

    /// Changes one setting; nil sets it back to the default.
    mutating func set(_ name: String, to value: String?) throws(BrokerError) {
        let setting = try Self.setting(name)
        let text = value?.filter { !$0.isWhitespace }
        if let text { try setting.validate(text) }
        values[name] = text
    }

    /// Adds elements to a setting that is a list, or takes them out.
    mutating func change(
        _ name: String,
        adding added: [Substring] = [],
        removing removed: [Substring] = []
    ) throws(BrokerError) {
        let setting = try Self.setting(name)
        guard setting.type == .list else {
            throw BrokerError(.invalidConfig, "Configuration \(name) is not a list.")
        }
        var elements = TopicSetting.elements(of: value(name)).filter { !removed.contains($0) }
        elements += added.filter { !elements.contains($0) }
        try set(name, to: elements.joined(separator: ","))
    }

    /// The value of a setting, its own or the default; empty if there is no such setting.
    func value(_ name: String) -> String {
        values[name] ?? TopicSetting.named[name]?.defaultValue ?? ""
    }

    /// The value of a whole number; the default if what is stored does not parse.
    func number(_ name: String) -> Int64 {
        Int64(value(name)) ?? TopicSetting.named[name].flatMap { Int64($0.defaultValue) } ?? 0
    }

    private static func setting(_ name: String) throws(BrokerError) -> TopicSetting {
        if let setting = TopicSetting.named[name] { return setting }
        throw BrokerError(
            .invalidConfig,
            "Unknown topic config name: \(name.prefix(100).escapingControlCharacters)"
        )
    }
}
