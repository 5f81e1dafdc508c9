import Learning
import Recommendation
import TextRecognition

/// The kinds of models there are: the one place where learners are wired in.
enum ModelKind: String, Codable, Sendable, CaseIterable {
    case recommender
    case reader

    /// What can be set of it.
    var settings: any LearnerSettings.Type {
        switch self {
        case .recommender: RecommenderSettings.self
        case .reader: ReaderSettings.self
        }
    }

    /// The topics that it learns from, is asked on, and answers on.
    var topics: (input: TopicRole, requests: TopicRole, answers: TopicRole) {
        switch self {
        case .recommender: (.interactions, .recommendRequests, .recommendations)
        case .reader: (.textLabels, .textRequests, .textPredictions)
        }
    }

    /// Everything that can be set, with the defaults for a model of this kind.
    var defaults: Configuration {
        var configuration = Configuration()
        configuration.model = Configuration.Model(self)
        switch self {
        case .recommender: break
        // A label takes longer to learn than to fetch: scorers get what was learned after each. An
        // update holds all weights, 2 MB: not more often than people can tell. Steps last tens of
        // milliseconds, and answers must not wait for a processor meanwhile.
        case .reader:
            configuration.trainer.batchSize = 1
            configuration.trainer.publishInterval = TimeSpan(.milliseconds(500))
            configuration.trainer.niceness = 10
        }
        return configuration
    }
}

extension Configuration {
    /// What is learned.
    ///
    /// What can be set of it depends on its kind.
    struct Model: Sendable {
        var name: String
        var kind: ModelKind
        var settings: any LearnerSettings

        /// A model of a kind, with all defaults; it is called as its kind.
        init(_ kind: ModelKind = .recommender) {
            name = kind.rawValue
            self.kind = kind
            settings = kind.settings.init()
        }
    }
}

extension Configuration.Model: Codable {
    private enum CodingKeys: CodingKey { case name, kind, settings }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func settings<Settings: LearnerSettings>(_ type: Settings.Type) throws -> Settings {
            try container.decode(type, forKey: .settings)
        }
        name = try container.decode(String.self, forKey: .name)
        kind = try container.decode(ModelKind.self, forKey: .kind)
        self.settings = try settings(kind.settings)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
        try container.encode(settings, forKey: .settings)
    }
}

extension Configuration.Model: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        func areEqual<Settings: LearnerSettings>(_ left: Settings) -> Bool {
            left == right.settings as? Settings
        }
        return left.name == right.name && left.kind == right.kind && areEqual(left.settings)
    }
}
