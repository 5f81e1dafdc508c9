/// What a topic is for.
///
/// The raw value is the name of its declaration and its default name.
enum TopicRole: String, CaseIterable, Sendable {
    case interactions
    case recommendRequests = "recommend-requests"
    case recommendations
    case textLabels = "text-labels"
    case textRequests = "text-requests"
    case textPredictions = "text-predictions"
    case modelUpdates = "model-updates"
    case deadLetters = "dead-letters"
    case control

    /// The key of its name in the configuration.
    var settingKey: String { rawValue.replacing("-", with: "_") }
}

/// The names that the topics have on the cluster.
struct TopicNames: Codable, Sendable, Equatable {
    var interactions = TopicRole.interactions.rawValue
    var recommendRequests = TopicRole.recommendRequests.rawValue
    var recommendations = TopicRole.recommendations.rawValue
    var textLabels = TopicRole.textLabels.rawValue
    var textRequests = TopicRole.textRequests.rawValue
    var textPredictions = TopicRole.textPredictions.rawValue
    var modelUpdates = TopicRole.modelUpdates.rawValue
    var deadLetters = TopicRole.deadLetters.rawValue
    var control = TopicRole.control.rawValue

    /// The name of the topic with this role.
    subscript(role: TopicRole) -> String {
        switch role {
        case .interactions: interactions
        case .recommendRequests: recommendRequests
        case .recommendations: recommendations
        case .textLabels: textLabels
        case .textRequests: textRequests
        case .textPredictions: textPredictions
        case .modelUpdates: modelUpdates
        case .deadLetters: deadLetters
        case .control: control
        }
    }

    /// Every role with its name.
    var all: [(role: TopicRole, name: String)] { TopicRole.allCases.map { ($0, self[$0]) } }

    /// Whether Kafka takes this as a topic's name.
    static func isValid(_ name: String) -> Bool {
        (1...249).contains(name.utf8.count) && name != "." && name != ".."
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                        || "._-".unicodeScalars.contains(scalar))
            }
    }
}
