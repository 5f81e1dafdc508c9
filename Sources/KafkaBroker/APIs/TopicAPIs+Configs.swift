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

/// Showing and changing settings.
extension TopicAPIs {
    /// What settings belong to, as Kafka numbers it.
    private enum Resource {
        static let topic: Int8 = 2
        static let broker: Int8 = 4
        static let identity = ["resourceType", "resourceName"]
    }

    var describeConfigs: SchemaHandler {
        SchemaHandler(
            .describeConfigs,
            into: "results",
            by: Resource.identity,
            of: { $0.array("resources") }
        ) { resource, request, finish throws(BrokerError) in
            let name = resource.string("resourceName")
            let entries: [ConfigEntry]
            switch resource.int8("resourceType") {
            case Resource.topic: entries = topicConfigs(try topic(name).configuration)
            case Resource.broker:
                try checkBroker(name)
                entries = brokerConfigs
            case let type: throw unknownType(type)
            }
            let keys = resource.optionalStrings("configurationKeys")
            let wanted = entries.filter { keys?.contains($0.name) ?? true }
            finish(.success(["configs": .list(wanted.map { $0.description(request) })]))
        }
    }

    /// Replaces all settings of topics.
    var alterConfigs: SchemaHandler {
        alteration(.alterConfigs) { configs, configuration throws(BrokerError) in
            configuration = try TopicConfiguration(
                checking: configs.map { ($0.string("name"), $0.optionalString("value")) }
            )
        }
    }

    /// Changes single settings of topics.
    var incrementalAlterConfigs: SchemaHandler {
        alteration(.incrementalAlterConfigs) { configs, configuration throws(BrokerError) in
            for config in configs {
                let name = config.string("name")
                let value = config.optionalString("value")
                let elements = TopicSetting.elements(of: value ?? "")
                switch config.int8("configOperation") {
                case 0: try configuration.set(name, to: value)
                case Self.deletion: try configuration.set(name, to: nil)
                case 2: try configuration.change(name, adding: elements)
                case 3: try configuration.change(name, removing: elements)
                case let other: throw BrokerError(.invalidRequest, "Unknown operation \(other).")
                }
            }
        }
    }

    /// The operation that needs no value.
    private static let deletion: Int8 = 1

    private func alteration(
        _ key: APIKey,
        _ change:
            @escaping @Sendable ([Fields], inout TopicConfiguration) throws(BrokerError) -> Void
    ) -> SchemaHandler {
        SchemaHandler(
            key,
            into: "responses",
            by: Resource.identity,
            of: { $0.array("resources") }
        ) { resource, request, finish throws(BrokerError) in
            let name = resource.string("resourceName")
            let configs = resource.array("configs")
            guard Set(configs.map { $0.string("name") }).count == configs.count else {
                throw BrokerError(.invalidRequest, "The request sets a configuration twice.")
            }
            for config in configs where config.int8("configOperation") != Self.deletion {
                guard config.optionalString("value") == nil else { continue }
                let name = config.string("name")
                throw BrokerError(.invalidRequest, "Null value not supported for: \(name)")
            }
            switch resource.int8("resourceType") {
            case Resource.topic:
                try update(
                    topic(name),
                    validateOnly: request.bool("validateOnly"),
                    { topic throws(BrokerError) in try change(configs, &topic.configuration) },
                    completion: finish
                )
            case Resource.broker:
                try checkBroker(name)
                guard configs.isEmpty else {
                    throw BrokerError(
                        .invalidConfig,
                        "The broker's settings cannot be changed while it runs.",
                        remedy: "set them in its configuration file and start it again"
                    )
                }
                finish(.success([:]))
            case let type: throw unknownType(type)
            }
        }
    }

    private func checkBroker(_ name: String) throws(BrokerError) {
        guard name == "\(node.id)" || name.isEmpty else {
            throw BrokerError(.invalidRequest, "The only broker is \(node.id), not \(name).")
        }
    }

    private func unknownType(_ type: Int8) -> BrokerError {
        BrokerError(.invalidRequest, "Resource type \(type) has no settings here.")
    }
}

/// What there is to show.
extension TopicAPIs {
    /// The settings of a topic.
    func topicConfigs(_ configuration: TopicConfiguration) -> [ConfigEntry] {
        TopicSetting.all.map { setting in
            let own = configuration.values[setting.name].map {
                [ConfigEntry.Synonym(setting.name, $0, .topic)]
            }
            return ConfigEntry(
                name: setting.name,
                type: setting.type,
                documentation: setting.documentation,
                synonyms: (own ?? []) + brokerValues(setting)
            )
        }
    }

    /// The values that a setting has where the topic does not set it.
    private func brokerValues(_ setting: TopicSetting) -> [ConfigEntry.Synonym] {
        let name = setting.brokerName ?? setting.name
        let own = settings.topicDefaults[setting.name].map {
            [ConfigEntry.Synonym(name, $0, .staticBroker)]
        }
        return (own ?? []) + [(name, setting.defaultValue, .defaultValue)]
    }

    /// The settings of this broker, none of which can be changed while it runs.
    private var brokerConfigs: [ConfigEntry] {
        let values = Self.values(settings).merging([
            "advertised.listeners": "PLAINTEXT://\(node.host):\(node.port)",
            "broker.id": "\(node.id)", "node.id": "\(node.id)",
        ]) { _, value in value }
        let defaults = Self.values(BrokerSettings(dataDirectory: ""))
        let own = Self.brokerTable.split(separator: "\n").map { line -> ConfigEntry in
            let words = line.split(separator: " ", maxSplits: 2)
            let name = String(words[0])
            let value = values[name] ?? ""
            let source: ConfigEntry.Source = value == defaults[name] ? .defaultValue : .staticBroker
            return ConfigEntry(
                name: name,
                type: TopicSetting.ValueType(words[1]),
                documentation: String(words[2]),
                isReadOnly: true,
                synonyms: [(name, value, source)]
            )
        }
        let ofTopics = TopicSetting.all.compactMap { setting in
            setting.brokerName.map { name in
                ConfigEntry(
                    name: name,
                    type: setting.type,
                    documentation: setting.documentation,
                    isReadOnly: true,
                    synonyms: brokerValues(setting)
                )
            }
        }
        return (own + ofTopics).sorted { $0.name < $1.name }
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
        queued.max.request.bytes long The most bytes that requests under way may take together.
        replication.factor.policy string Refuse more replicas than one, or clamp them to one.
        socket.request.max.bytes int The largest request.
        """
}
