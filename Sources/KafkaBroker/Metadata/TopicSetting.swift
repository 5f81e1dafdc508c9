import KafkaWire

/// One setting that a topic can have: its type, default, meaning, and the values it allows.
///
/// The settings are a table of text, a line each, broken where a line ends in a backslash:
///
///     name type default allowed broker-name meaning
///
/// `allowed` is `1...` or `0...1` for numbers, the words for texts, and `=` for a setting that is
/// known for compatibility only: there the meaning says why the default is all that works.
/// `broker-name` is what Kafka calls the broker's value for topics without one; `-` if it has none.
struct TopicSetting: Sendable {
    /// The type of a setting's value, with the number it has in DescribeConfigs.
    enum ValueType: Int8, Sendable {
        case boolean = 1
        case string = 2
        case int = 3
        case long = 5
        case double = 6
        case list = 7

        init(_ name: Substring) {
            let types: [Substring: ValueType] = [
                "boolean": .boolean, "int": .int, "long": .long, "double": .double, "list": .list,
            ]
            self = types[name] ?? .string
        }
    }

    /// The values that a setting allows.
    enum Allowed: Sendable {
        case integers(ClosedRange<Int64>)
        case fractions(ClosedRange<Double>)
        case words([Substring])
        case onlyDefault
    }

    let name: String
    let type: ValueType
    let defaultValue: String
    let allowed: Allowed
    /// What the broker's own setting is called; nil if it has none.
    let brokerName: String?
    let documentation: String

    /// Checks a value.
    func validate(_ value: String) throws(BrokerError) {
        let isValid =
            switch allowed {
            case .integers(let range): Int64(value).map(range.contains) ?? false
            case .fractions(let range): Double(value).map(range.contains) ?? false
            case .words(let words):
                type == .list
                    ? Self.elements(of: value).allSatisfy { words.contains($0) }
                    : words.contains(value[...])
            case .onlyDefault: value == defaultValue
            }
        guard isValid else {
            throw BrokerError(
                .invalidConfig,
                "Invalid value \(value.prefix(100).escapingControlCharacters)"
                    + " for configuration \(name)",
                remedy: remedy
            )
        }
    }

    /// The elements of a list; the empty text has one, which is empty.
    static func elements(of list: String) -> [Substring] {
        list.split(separator: ",", omittingEmptySubsequences: false)
    }

    /// What to write instead of a value that was refused.
    private var remedy: String {
        switch allowed {
        case .integers(let range): "use \(range.lowerBound) to \(range.upperBound)"
        case .fractions(let range): "use \(range.lowerBound) to \(range.upperBound)"
        case .words(let words): "use \(words.joined(separator: type == .list ? ", " : " or "))"
        case .onlyDefault: "only \"\(defaultValue)\" works. \(documentation)"
        }
    }
}

/// The table.
extension TopicSetting {
    /// Every setting, by name.
    static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Every setting, in the order of the names.
    static let all = table.split(separator: "\n")
        .map { TopicSetting($0.split(separator: " ", maxSplits: 5)) }
        .sorted { $0.name < $1.name }

    /// Reads a line of the table.
    private init(_ words: [Substring]) {
        name = String(words[0])
        type = ValueType(words[1])
        let greatest = type == .int ? Int64(Int32.max) : Int64.max
        let value = words[2] == "max" ? "\(greatest)" : String(words[2])
        defaultValue = value == "none" ? "" : value
        let bounds = words[3].split(separator: ".", omittingEmptySubsequences: true)
        allowed =
            if words[3] == "=" {
                .onlyDefault
            } else if type == .double {
                .fractions(0...(Double(bounds.last ?? "") ?? 1))
            } else if type == .int || type == .long {
                .integers((Int64(bounds[0]) ?? 0)...greatest)
            } else {
                .words(words[3].split(separator: ","))
            }
        brokerName = words[4] == "-" ? nil : String(words[4])
        documentation = String(words[5])
    }

    private static let table = """
        cleanup.policy list delete delete,compact log.cleanup.policy \
        What happens to old records: delete removes them by age or size, compact keeps the newest \
        of each key.
        retention.ms long 604800000 -1... log.retention.ms \
        How long records are kept, in milliseconds; -1 for ever.
        retention.bytes long -1 -1... log.retention.bytes \
        How many bytes of a partition are kept; -1 for any number.
        segment.bytes int 134217728 14... log.segment.bytes \
        Greatest size of a segment file; records are removed by whole segments.
        segment.ms long 604800000 1... log.roll.ms \
        Greatest age of the active segment before a new one begins, in milliseconds.
        max.message.bytes int 1048588 0... message.max.bytes \
        Greatest size of a batch of records, compressed.
        message.timestamp.type string CreateTime CreateTime,LogAppendTime \
        log.message.timestamp.type \
        Whose time a record has: CreateTime is the producer's, LogAppendTime the broker's.
        message.timestamp.before.max.ms long max 0... log.message.timestamp.before.max.ms \
        How far in the past a record's time may lie, in milliseconds.
        message.timestamp.after.max.ms long max 0... log.message.timestamp.after.max.ms \
        How far in the future a record's time may lie, in milliseconds.
        delete.retention.ms long 86400000 0... log.cleaner.delete.retention.ms \
        How long a record without value stays in a compacted topic, in milliseconds.
        min.cleanable.dirty.ratio double 0.5 0...1 log.cleaner.min.cleanable.ratio \
        The share of not yet compacted bytes at which compaction starts.
        min.compaction.lag.ms long 0 0... log.cleaner.min.compaction.lag.ms \
        How long a record stays as it is before compaction, in milliseconds.
        max.compaction.lag.ms long max 1... log.cleaner.max.compaction.lag.ms \
        How long a record may stay uncompacted, in milliseconds.
        flush.ms long 1000 0... log.flush.interval.ms \
        How long a batch written with acks=1 may stay unsynced, in milliseconds.
        flush.messages long max 1... log.flush.interval.messages \
        How many records written with acks=1 may stay unsynced.
        file.delete.delay.ms long 60000 0... log.segment.delete.delay.ms \
        How long the file of a removed segment stays, in milliseconds, a day at most.
        compression.type string producer = compression.type \
        Batches stay as the producer compressed them.
        min.insync.replicas int 1 = min.insync.replicas There is one broker.
        compression.gzip.level int -1 = compression.gzip.level The broker does not compress.
        compression.lz4.level int 9 = compression.lz4.level The broker does not compress.
        compression.zstd.level int 3 = compression.zstd.level The broker does not compress.
        follower.replication.throttled.replicas list none = - There is one broker.
        leader.replication.throttled.replicas list none = - There is one broker.
        unclean.leader.election.enable boolean false = unclean.leader.election.enable \
        There is one broker.
        index.interval.bytes int 4096 = log.index.interval.bytes The index has a fixed interval.
        segment.index.bytes int 10485760 = log.index.size.max.bytes \
        The index grows with its segment.
        segment.jitter.ms long 0 = log.roll.jitter.ms Segments end on time.
        preallocate boolean false = log.preallocate Files grow as they are written.
        local.retention.bytes long -2 = log.local.retention.bytes There is no tiered storage.
        local.retention.ms long -2 = log.local.retention.ms There is no tiered storage.
        remote.storage.enable boolean false = - There is no tiered storage.
        remote.log.copy.disable boolean false = - There is no tiered storage.
        remote.log.delete.on.disable boolean false = - There is no tiered storage.
        """
}
