import KafkaWire

/// IncrementalAlterConfigs: changes single settings of topics.
extension TopicAPIs {
    var incrementalAlterConfigs: SchemaHandler {
        alteration(.incrementalAlterConfigs) { configs, configuration throws(BrokerError) in
            for config in configs {
                let name = config.string("name")
                let value = config.optionalString("value")
                let elements = TopicSetting.elements(of: value ?? "")
                let operation = config.int8("configOperation")
                switch Operation(rawValue: operation) {
                case .set: try configuration.set(name, to: value)
                case .delete: try configuration.set(name, to: nil)
                case .append: try configuration.change(name, adding: elements)
                case .subtract: try configuration.change(name, removing: elements)
                case nil: throw BrokerError(.invalidRequest, "Unknown operation \(operation).")
                }
            }
        }
    }
}

private enum Operation: Int8 {
    case set, delete, append, subtract
}

extension Fields {
    /// Whether a change of a setting must have a value; AlterConfigs has no operations.
    var needsValue: Bool { self["configOperation"] != .number(Operation.delete.rawValue) }
}
