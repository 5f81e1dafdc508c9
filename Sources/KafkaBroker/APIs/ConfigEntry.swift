import KafkaWire

/// One setting as the APIs show it.
struct ConfigEntry: Sendable {
    /// Where a value comes from, as DescribeConfigs numbers it.
    enum Source: Int64 {
        case topic = 1
        case staticBroker = 4
        case defaultValue = 5
    }

    typealias Synonym = (name: String, value: String, source: Source)

    var name: String
    var type: TopicSetting.ValueType
    var documentation: String
    var isReadOnly = false
    /// The value that holds, then those that it hides.
    var synonyms: [Synonym]

    /// As CreateTopics tells it.
    var summary: Fields {
        [
            "name": .string(name), "value": .string(synonyms[0].value),
            "readOnly": .bool(isReadOnly), "configSource": .int(synonyms[0].source.rawValue),
        ]
    }

    /// As DescribeConfigs tells it.
    func description(_ asked: Fields) -> Fields {
        var fields = summary
        fields["isDefault"] = .bool(synonyms[0].source == .defaultValue)
        fields["configType"] = .number(type.rawValue)
        fields["documentation"] = .text(asked.bool("includeDocumentation") ? documentation : nil)
        if asked.bool("includeSynonyms") {
            fields["synonyms"] = .list(
                synonyms.map { name, value, source -> Fields in
                    [
                        "name": .string(name), "value": .string(value),
                        "source": .int(source.rawValue),
                    ]
                }
            )
        }
        return fields
    }
}

/// What there is to show.
extension TopicAPIs {
    /// The settings of a topic.
    func configs(of configuration: TopicConfiguration) -> [ConfigEntry] {
        TopicSetting.all.map { entry($0, as: $0.name, configuration.values[$0.name]) }
    }

    /// The settings of this broker, none of which can be changed while it runs.
    var brokerConfigs: [ConfigEntry] {
        let values = Self.values(settings).merging([
            "advertised.listeners": "PLAINTEXT://\(node.host):\(node.port)",
            "broker.id": "\(node.id)", "node.id": "\(node.id)",
        ]) { _, value in value }
        let defaults = Self.values(BrokerSettings(dataDirectory: ""))
        let own = Self.brokerTable.split(separator: "\n").map { line -> ConfigEntry in
            let words = line.split(separator: " ", maxSplits: 2)
            let name = String(words[0])
            let value = values[name] ?? ""
            return ConfigEntry(
                name: name,
                type: TopicSetting.ValueType(words[1]),
                documentation: String(words[2]),
                isReadOnly: true,
                synonyms: [(name, value, value == defaults[name] ? .defaultValue : .staticBroker)]
            )
        }
        let ofTopics = TopicSetting.all.compactMap { setting in
            setting.brokerName.map { entry(setting, as: $0, isReadOnly: true) }
        }
        return (own + ofTopics).sorted { $0.name < $1.name }
    }

    /// A setting of a topic, or the broker's for topics without it.
    private func entry(
        _ setting: TopicSetting,
        as name: String,
        _ own: String? = nil,
        isReadOnly: Bool = false
    ) -> ConfigEntry {
        let brokerName = setting.brokerName ?? setting.name
        let values: [(String, String?, ConfigEntry.Source)] = [
            (setting.name, own, .topic),
            (brokerName, settings.topicDefaults[setting.name], .staticBroker),
            (brokerName, setting.defaultValue, .defaultValue),
        ]
        return ConfigEntry(
            name: name,
            type: setting.type,
            documentation: setting.documentation,
            isReadOnly: isReadOnly,
            synonyms: values.compactMap { name, value, source in
                value.map { (name, $0, source) }
            }
        )
    }

    private static func values(_ settings: BrokerSettings) -> [String: String] {
        [
            "auto.create.topics.enable": "\(settings.autoCreateTopics)",
            "connections.max.idle.ms": "\(settings.connectionsMaxIdleMilliseconds)",
            "default.replication.factor": "1",
            "fetch.max.bytes": "\(settings.fetchMaxBytes)",
            "group.initial.rebalance.delay.ms":
                "\(settings.groupInitialRebalanceDelayMilliseconds)",
            "log.dirs": DataDirectory.absolutePath(settings.dataDirectory),
            "log.retention.check.interval.ms": "\(settings.retentionCheckMilliseconds)",
            "max.connections": "\(settings.maxConnections)",
            "num.partitions": "\(settings.numPartitions)",
            "offsets.retention.minutes": "\(settings.offsetsRetentionMilliseconds / 60_000)",
            "producer.id.expiration.ms": "\(settings.producerExpirationMilliseconds)",
            "queued.max.request.bytes": "\(settings.requestMemoryBytes)",
            "replication.factor.policy": settings.clampReplicationFactor ? "clamp" : "refuse",
            "socket.request.max.bytes": "\(settings.socketRequestMaxBytes)",
        ]
    }

    private static let brokerTable = """
        advertised.listeners string The address that clients are told to connect to.
        auto.create.topics.enable boolean Whether asking for an unknown topic creates it.
        broker.id int The number of this broker.
        connections.max.idle.ms long After how long a connection without requests is closed.
        default.replication.factor int There is one broker.
        fetch.max.bytes int The most bytes of records in one answer.
        group.initial.rebalance.delay.ms int How long a new group waits for more members.
        log.dirs string Where topics are kept.
        log.retention.check.interval.ms long How often old records are looked for.
        max.connections int The most connections at a time.
        node.id int The number of this broker.
        num.partitions int Partitions of a topic that is created without a number of them.
        offsets.retention.minutes int How long a group's offsets stay after its last member left.
        producer.id.expiration.ms int After how long a silent producer is forgotten.
        queued.max.request.bytes long The most bytes that requests under way may take together.
        replication.factor.policy string Refuse more replicas than one, or clamp them to one.
        socket.request.max.bytes int The largest request.
        """
}
