import KafkaWire

/// Where the value of a setting comes from, as DescribeConfigs numbers it.
enum ConfigSource: Int64 {
    case topic = 1
    case staticBroker = 4
    case defaultValue = 5

    /// Where a topic has the value of a setting from.
    init(of name: String, _ configuration: TopicConfiguration, _ settings: BrokerSettings) {
        if configuration.isSet(name) {
            self = .topic
        } else if settings.topicDefaults[name] != nil {
            self = .staticBroker
        } else {
            self = .defaultValue
        }
    }
}

/// Shows the settings of topics and of this broker.
struct DescribeConfigsHandler: Sendable {
    let node: Node
    let catalog: TopicCatalog

    /// What the settings belong to, as Kafka numbers it.
    private enum Resource {
        static let topic: Int8 = 2
        static let broker: Int8 = 4
    }

    /// One setting before it is written in the shape of the request.
    private struct Setting {
        var name: String
        var value: String
        var source: ConfigSource
        var type: TopicSetting.ValueType
        var documentation: String
        var isReadOnly = false
        /// The default below the value, if the value is not the default.
        var fallback: String?
    }

    /// The handler of DescribeConfigs requests.
    var handler: SchemaHandler {
        SchemaHandler(.describeConfigs) { fields, _, answer in
            var response = Fields()
            response.set("results", fields.array("resources").map { describe($0, asked: fields) })
            answer(response)
        }
    }

    private func describe(_ resource: Fields, asked: Fields) -> Fields {
        let name = resource.string("resourceName")
        var result: Fields = [
            "resourceType": .int(resource.int64("resourceType")), "resourceName": .string(name),
            "errorMessage": nil,
        ]
        let settings: [Setting]
        switch resource.int8("resourceType") {
        case Resource.topic:
            guard let topic = catalog.store.topic(named: name) else {
                return failed(result, .unknownTopicOrPartition, "There is no topic \(name).")
            }
            settings = topicSettings(topic)
        case Resource.broker:
            guard name == "\(node.id)" || name.isEmpty else {
                return failed(
                    result,
                    .invalidRequest,
                    "The only broker is \(node.id), not \(name)."
                )
            }
            settings = brokerSettings
        case let type:
            return failed(result, .invalidRequest, "Resource type \(type) has no settings here.")
        }
        let keys = resource.optionalStrings("configurationKeys").map { Set($0) }
        result.set(
            "configs",
            settings.filter { keys?.contains($0.name) ?? true }.map { fields($0, asked: asked) }
        )
        return result
    }

    private func failed(_ result: Fields, _ code: ErrorCode, _ message: String) -> Fields {
        var result = result
        result.set("errorCode", code)
        result.set("errorMessage", message)
        return result
    }

    private func fields(_ setting: Setting, asked: Fields) -> Fields {
        let isDefault = setting.source == .defaultValue
        var fields: Fields = [
            "name": .string(setting.name), "value": .string(setting.value),
            "readOnly": .bool(setting.isReadOnly), "isDefault": .bool(isDefault),
            "configSource": .int(setting.source.rawValue),
            "configType": .int(Int64(setting.type.rawValue)), "documentation": nil,
        ]
        if asked.bool("includeDocumentation") {
            fields.set("documentation", setting.documentation)
        }
        if asked.bool("includeSynonyms") {
            fields.set("synonyms", synonyms(setting))
        }
        return fields
    }

    private func synonyms(_ setting: Setting) -> [Fields] {
        var synonyms: [Fields] = [
            [
                "name": .string(setting.name), "value": .string(setting.value),
                "source": .int(setting.source.rawValue),
            ]
        ]
        if let fallback = setting.fallback {
            synonyms.append([
                "name": .string(setting.name), "value": .string(fallback),
                "source": .int(ConfigSource.defaultValue.rawValue),
            ])
        }
        return synonyms
    }

    private func topicSettings(_ topic: Topic) -> [Setting] {
        let effective = catalog.settings.effective(topic.configuration)
        return TopicSetting.all.map { setting in
            let source = ConfigSource(of: setting.name, topic.configuration, catalog.settings)
            return Setting(
                name: setting.name,
                value: effective.value(setting.name) ?? setting.defaultValue,
                source: source,
                type: setting.type,
                documentation: setting.documentation,
                fallback: source == .defaultValue ? nil : setting.defaultValue
            )
        }
    }

    private var brokerSettings: [Setting] {
        let settings = catalog.settings
        let values: [(String, String, TopicSetting.ValueType, String)] = [
            (
                "advertised.listeners", "PLAINTEXT://\(node.host):\(node.port)", .string,
                "The address that clients are told to connect to."
            ),
            (
                "auto.create.topics.enable", "\(settings.autoCreateTopics)", .boolean,
                "Whether asking for an unknown topic creates it."
            ),
            ("broker.id", "\(node.id)", .int, "The number of this broker."),
            (
                "connections.max.idle.ms", "\(settings.connectionsMaxIdleMilliseconds)", .long,
                "After how long a connection without requests is closed."
            ),
            ("default.replication.factor", "1", .int, "There is one broker."),
            (
                "fetch.max.bytes", "\(settings.fetchMaxBytes)", .int,
                "The most bytes of records in one answer."
            ),
            ("log.dirs", settings.dataDirectory, .string, "Where topics are kept."),
            (
                "max.connections", "\(settings.maxConnections)", .int,
                "The most connections at a time."
            ),
            (
                "num.partitions", "\(settings.numPartitions)", .int,
                "The number of partitions of a topic that is created without naming one."
            ),
            (
                "socket.request.max.bytes", "\(settings.socketRequestMaxBytes)", .int,
                "The largest request."
            ),
        ]
        return values.map { name, value, type, documentation in
            Setting(
                name: name,
                value: value,
                source: .staticBroker,
                type: type,
                documentation: documentation,
                isReadOnly: true
            )
        }
    }
}
