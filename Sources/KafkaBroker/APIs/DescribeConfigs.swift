import KafkaWire

/// DescribeConfigs: the settings of topics and of the broker.
extension TopicAPIs {
    var describeConfigs: SchemaHandler {
        SchemaHandler(
            .describeConfigs,
            into: "results",
            by: ConfigResource.identity,
            ofEach: { $0.array("resources") }
        ) { asked, request, finish throws(BrokerError) in
            let entries =
                switch try resource(asked) {
                case .topic(let topic): configs(of: topic.configuration)
                case .broker: brokerConfigs
                }
            let keys = asked.optionalStrings("configurationKeys")
            let wanted = entries.filter { keys?.contains($0.name) ?? true }
            finish(.success(["configs": .list(wanted.map { $0.description(request) })]))
        }
    }
}

extension Fields {
    /// A setting that a request gives.
    var setting: (name: String, value: String?) { (string("name"), optionalString("value")) }
}

/// What has settings.
enum ConfigResource {
    case topic(Topic)
    case broker

    /// The fields that name one.
    static let identity = ["resourceType", "resourceName"]
}

extension TopicAPIs {
    /// What an entry of a request is about.
    func resource(_ entry: Fields) throws(BrokerError) -> ConfigResource {
        let name = entry.string("resourceName")
        switch entry.int8("resourceType") {
        case 2: return .topic(try topic(name))
        case 4:
            guard name == "\(node.id)" || name.isEmpty else {
                throw BrokerError(.invalidRequest, "The only broker is \(node.id), not \(name).")
            }
            return .broker
        case let type:
            throw BrokerError(.invalidRequest, "Resource type \(type) has no settings here.")
        }
    }
}
