/// One setting that a topic can have: its type, default, meaning, and the values it allows.
struct TopicSetting: Sendable {
    /// The type of a setting's value, with the number it has in DescribeConfigs.
    enum ValueType: Int8, Sendable {
        case boolean = 1
        case string = 2
        case int = 3
        case long = 5
        case double = 6
        case list = 7
    }

    /// The values that a setting allows.
    enum Allowed: Sendable {
        case integers(ClosedRange<Int64>)
        case fractions(ClosedRange<Double>)
        case words([String])
        case listOf([String])
        /// Only this value: the broker does nothing else yet, and does not pretend to.
        case only(String, reason: String)
    }

    let name: String
    let type: ValueType
    let defaultValue: String
    let documentation: String
    let allowed: Allowed

    /// Checks a value.
    func validate(_ value: String) throws(BrokerError) {
        let isValid =
            switch allowed {
            case .integers(let range): Int64(value).map(range.contains) ?? false
            case .fractions(let range): Double(value).map(range.contains) ?? false
            case .words(let words): words.contains(value)
            case .listOf(let words):
                value.split(separator: ",", omittingEmptySubsequences: false)
                    .allSatisfy { words.contains(String($0)) }
            case .only(let only, _): value == only
            }
        guard isValid else {
            throw BrokerError(
                .invalidTopicSetting,
                "Invalid value \(value.prefix(100).escapingControlCharacters)"
                    + " for configuration \(name)",
                remedy: allowed.description
            )
        }
    }
}

extension TopicSetting.Allowed: CustomStringConvertible {
    /// What to write instead of a value that was refused.
    var description: String {
        switch self {
        case .integers(let range):
            "use a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .fractions(let range): "use a number from \(range.lowerBound) to \(range.upperBound)"
        case .words(let words): "use \(words.joined(separator: " or "))"
        case .listOf(let words): "use a list of \(words.joined(separator: ", "))"
        case .only(let only, let reason): "only \(only.isEmpty ? "nothing" : only) works: \(reason)"
        }
    }
}

extension TopicSetting {
    /// Every setting, by name.
    static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Every setting, in the order of the names.
    static let all: [TopicSetting] = (active + inactive).sorted { $0.name < $1.name }

    private static let anyLong: ClosedRange<Int64> = 0...Int64.max
    private static let longest = String(Int64.max)

    private static func int(
        _ name: String,
        _ value: Int64,
        _ range: ClosedRange<Int64>,
        _ documentation: String
    ) -> TopicSetting {
        TopicSetting(
            name: name,
            type: .int,
            defaultValue: String(value),
            documentation: documentation,
            allowed: .integers(range)
        )
    }

    private static func long(
        _ name: String,
        _ value: Int64,
        _ range: ClosedRange<Int64>,
        _ documentation: String
    ) -> TopicSetting {
        TopicSetting(
            name: name,
            type: .long,
            defaultValue: String(value),
            documentation: documentation,
            allowed: .integers(range)
        )
    }

    private static func fixed(
        _ name: String,
        _ type: ValueType,
        _ value: String,
        _ reason: String
    ) -> TopicSetting {
        TopicSetting(
            name: name,
            type: type,
            defaultValue: value,
            documentation: "Known for compatibility; \(reason).",
            allowed: .only(value, reason: reason)
        )
    }

    /// The settings that do something, or will when compaction comes.
    private static let active: [TopicSetting] = [
        TopicSetting(
            name: "cleanup.policy",
            type: .list,
            defaultValue: "delete",
            documentation: "What happens to old records: delete removes them by age or size,"
                + " compact keeps the newest of each key.",
            allowed: .listOf(["delete", "compact"])
        ),
        long(
            "retention.ms",
            604_800_000,
            -1...Int64.max,
            "How long records are kept, in milliseconds; -1 for ever."
        ),
        long(
            "retention.bytes",
            -1,
            -1...Int64.max,
            "How many bytes of a partition are kept; -1 for any number."
        ),
        int(
            "segment.bytes",
            134_217_728,
            14...Int64(Int32.max),
            "Greatest size of a segment file; records are removed by whole segments."
        ),
        long(
            "segment.ms",
            604_800_000,
            1...Int64.max,
            "Greatest age of the active segment before a new one begins, in milliseconds."
        ),
        int(
            "max.message.bytes",
            1_048_588,
            0...Int64(Int32.max),
            "Greatest size of a batch of records, compressed."
        ),
        TopicSetting(
            name: "message.timestamp.type",
            type: .string,
            defaultValue: "CreateTime",
            documentation: "Whose time a record has: CreateTime is the producer's,"
                + " LogAppendTime the broker's.",
            allowed: .words(["CreateTime", "LogAppendTime"])
        ),
        long(
            "message.timestamp.before.max.ms",
            Int64.max,
            anyLong,
            "How far in the past a record's time may lie, in milliseconds."
        ),
        long(
            "message.timestamp.after.max.ms",
            Int64.max,
            anyLong,
            "How far in the future a record's time may lie, in milliseconds."
        ),
        long(
            "delete.retention.ms",
            86_400_000,
            anyLong,
            "How long a record without value stays in a compacted topic, in milliseconds."
        ),
        TopicSetting(
            name: "min.cleanable.dirty.ratio",
            type: .double,
            defaultValue: "0.5",
            documentation: "The share of not yet compacted bytes at which compaction starts.",
            allowed: .fractions(0...1)
        ),
        long(
            "min.compaction.lag.ms",
            0,
            anyLong,
            "How long a record stays as it is before compaction, in milliseconds."
        ),
        long(
            "max.compaction.lag.ms",
            Int64.max,
            1...Int64.max,
            "How long a record may stay uncompacted, in milliseconds."
        ),
        long(
            "flush.ms",
            1000,
            anyLong,
            "How long a batch written with acks=1 may stay unsynced, in milliseconds."
        ),
        long(
            "flush.messages",
            Int64.max,
            1...Int64.max,
            "How many records written with acks=1 may stay unsynced."
        ),
        long(
            "file.delete.delay.ms",
            60_000,
            anyLong,
            "How long the file of a removed segment stays, in milliseconds."
        ),
    ]

    /// The rest of Kafka's list: accepted at the default, so that tools which send it work.
    private static let inactive: [TopicSetting] = [
        fixed(
            "compression.type",
            .string,
            "producer",
            "batches stay as the producer compressed them"
        ),
        fixed("min.insync.replicas", .int, "1", "there is one broker"),
        fixed("compression.gzip.level", .int, "-1", "the broker does not compress"),
        fixed("compression.lz4.level", .int, "9", "the broker does not compress"),
        fixed("compression.zstd.level", .int, "3", "the broker does not compress"),
        fixed("follower.replication.throttled.replicas", .list, "", "there is one broker"),
        fixed("leader.replication.throttled.replicas", .list, "", "there is one broker"),
        fixed("unclean.leader.election.enable", .boolean, "false", "there is one broker"),
        fixed("index.interval.bytes", .int, "4096", "the index has a fixed interval"),
        fixed("segment.index.bytes", .int, "10485760", "the index grows with its segment"),
        fixed("segment.jitter.ms", .long, "0", "segments end on time"),
        fixed("preallocate", .boolean, "false", "files grow as they are written"),
        fixed("local.retention.bytes", .long, "-2", "there is no tiered storage"),
        fixed("local.retention.ms", .long, "-2", "there is no tiered storage"),
        fixed("remote.storage.enable", .boolean, "false", "there is no tiered storage"),
        fixed("remote.log.copy.disable", .boolean, "false", "there is no tiered storage"),
        fixed("remote.log.delete.on.disable", .boolean, "false", "there is no tiered storage"),
    ]
}
