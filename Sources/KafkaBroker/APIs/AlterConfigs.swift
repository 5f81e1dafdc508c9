import KafkaWire

/// AlterConfigs: replaces all settings of topics.
extension TopicAPIs {
    var alterConfigs: SchemaHandler {
        alteration(.alterConfigs) { configs, configuration throws(BrokerError) in
            configuration = try TopicConfiguration(checking: configs.map(\.setting))
        }
    }

    /// An API that changes settings.
    ///
    /// - Parameters:
    ///   - key: The API.
    ///   - change: Gets what the request says of a topic, and its settings.
    /// - Returns: Its handler.
    func alteration(
        _ key: APIKey,
        _ change:
            @escaping @Sendable ([Fields], inout TopicConfiguration) throws(BrokerError) -> Void
    ) -> SchemaHandler {
        SchemaHandler(
            key,
            into: "responses",
            by: ConfigResource.identity,
            ofEach: { $0.array("resources") }
        ) { asked, request, finish throws(BrokerError) in
            let configs = asked.array("configs")
            guard Set(configs.map { $0.string("name") }).count == configs.count else {
                throw BrokerError(.invalidRequest, "The request sets a configuration twice.")
            }
            for config in configs where config.needsValue && config["value"] == .null {
                let name = config.string("name")
                throw BrokerError(.invalidRequest, "Null value not supported for: \(name)")
            }
            switch try resource(asked) {
            case .topic(let topic):
                try update(
                    topic,
                    validateOnly: request.bool("validateOnly"),
                    { topic throws(BrokerError) in try change(configs, &topic.configuration) },
                    completion: finish
                )
            case .broker where configs.isEmpty: finish(.success([:]))
            case .broker:
                throw BrokerError(
                    .invalidConfig,
                    "The broker's settings cannot be changed while it runs.",
                    remedy: "set them in its configuration file and start it again"
                )
            }
        }
    }
}
