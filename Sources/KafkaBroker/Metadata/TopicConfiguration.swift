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
    /// - Throws: `BrokerError` of kind `invalidTopicSetting` that names key and value.
    init(
        checking settings: some Sequence<(name: String, value: String?)>
    ) throws(BrokerError) {
        for (name, value) in settings { try set(name, to: value) }
    }

    /// Changes one setting; nil sets it back to the default.
    mutating func set(_ name: String, to value: String?) throws(BrokerError) {
        guard let setting = TopicSetting.named[name] else {
            throw BrokerError(
                .invalidTopicSetting,
                "Unknown topic config name: \(name.prefix(100).escapingControlCharacters)",
                remedy: "list the known names with DescribeConfigs"
            )
        }
        guard let value else {
            values[name] = nil
            return
        }
        let text = value.filter { !$0.isWhitespace }
        try setting.validate(text)
        values[name] = text
    }

    /// The value of a setting, its own or the default; nil if there is no such setting.
    func value(_ name: String) -> String? { values[name] ?? TopicSetting.named[name]?.defaultValue }

    /// Whether the setting was given for this topic.
    func isSet(_ name: String) -> Bool { values[name] != nil }
}

/// The settings that the broker acts on. A stored value that does not parse counts as the default.
extension TopicConfiguration {
    /// Whether the newest record of each key is kept for good.
    var isCompacted: Bool { cleanupPolicies.contains("compact") }
    /// Whether old records are removed.
    var deletesOldRecords: Bool { cleanupPolicies.contains("delete") }
    /// How long records are kept, in milliseconds; nil for ever.
    var retentionMilliseconds: Int64? { unlessNegative(int64("retention.ms")) }
    /// How many bytes of a partition are kept; nil for any number.
    var retentionByteCount: Int64? { unlessNegative(int64("retention.bytes")) }
    /// Greatest size of a segment file.
    var segmentByteCount: Int64 { int64("segment.bytes") }
    /// Greatest age of the active segment in milliseconds.
    var segmentMilliseconds: Int64 { int64("segment.ms") }
    /// Greatest size of a batch.
    var maximumBatchByteCount: Int64 { int64("max.message.bytes") }
    /// Whether the broker sets the time of each record, instead of the producer.
    var usesAppendTime: Bool { value("message.timestamp.type") == "LogAppendTime" }
    /// How far in the past a record's time may lie, in milliseconds.
    var maximumTimestampAge: Int64 { int64("message.timestamp.before.max.ms") }
    /// How far in the future a record's time may lie, in milliseconds.
    var maximumTimestampLead: Int64 { int64("message.timestamp.after.max.ms") }
    /// How long a written batch may stay unsynced, in milliseconds.
    var flushMilliseconds: Int64 { int64("flush.ms") }
    /// How many records may stay unsynced.
    var flushRecordCount: Int64 { int64("flush.messages") }
    /// How long the files of a deleted segment stay, in milliseconds.
    var fileDeleteDelayMilliseconds: Int64 { int64("file.delete.delay.ms") }

    private var cleanupPolicies: [Substring] {
        (value("cleanup.policy") ?? "").split(separator: ",")
    }

    private func int64(_ name: String) -> Int64 {
        let text = value(name) ?? ""
        return Int64(text) ?? TopicSetting.named[name].flatMap { Int64($0.defaultValue) } ?? 0
    }

    private func unlessNegative(_ value: Int64) -> Int64? { value < 0 ? nil : value }
}
