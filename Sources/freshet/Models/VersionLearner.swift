import Foundation
import KafkaClient
import Learning
import ModelStore
import Pipeline
import Recommendation
import Streaming

/// The states of versions, by the learner that their settings name.
enum VersionLearner {
    /// A whole state.
    struct State {
        let tensors: NamedTensors
        let layout: StateLayout
        let duplicateWindow: Int
        let watermark: Int64
        let eventCount: Int64
        let metrics: [Metric]

        fileprivate init<Model: Learner>(_ model: TrainedModel<Model>) {
            tensors = model.encode()
            layout = model.learner.layout
            duplicateWindow = model.duplicateWindow
            watermark = model.watermark
            eventCount = model.learner.eventCount
            metrics = model.metrics
        }
    }

    /// The settings that a version was learned with.
    static func settings(of version: ModelVersion) throws -> RecommenderSettings {
        do {
            return try JSONDecoder().decode(
                RecommenderSettings.self,
                from: Data(version.settings.utf8)
            )
        } catch {
            throw CommandFailure(
                .failure,
                "the settings of version \(version.number) cannot be read (\(error))",
                remedy: "use the freshet that learned it, \(version.codeRevision)"
            )
        }
    }

    /// The state of a version from its files, whose hashes are checked.
    static func load(_ version: ModelVersion, from store: ModelStore) throws -> State {
        let chain = try store.chain(of: version)
        for part in chain { try store.verify(part.blob) }
        let settings = try settings(of: version)
        func load<Model: Learner>(_: Model.Type) throws -> State
        where Model.Settings == RecommenderSettings {
            State(
                try TrainedModel<Model>(chain, of: store, settings: settings, duplicateWindow: nil)
            )
        }
        return switch settings.feedback {
        case .implicit: try load(ImplicitRecommender.self)
        case .explicit: try load(ExplicitRecommender.self)
        }
    }

    /// The state that a learner of these settings has once it has learned a lineage from the log.
    static func learn(
        _ rebuild: Rebuild,
        settings: RecommenderSettings,
        duplicateWindow: Int
    ) throws -> State {
        var progress = Progress("Learning", unit: "records", total: Int(rebuild.recordCount))
        defer { progress.finish() }
        func learn<Model: Learner>(_: Model.Type) throws -> State
        where Model.Settings == RecommenderSettings {
            var model = try TrainedModel<Model>(
                settings: settings,
                duplicateWindow: duplicateWindow
            )
            _ = try rebuild.run(into: &model) { count throws(PipelineError) in
                progress.update(Int(count))
            }
            return State(model)
        }
        return switch settings.feedback {
        case .implicit: try learn(ImplicitRecommender.self)
        case .explicit: try learn(ExplicitRecommender.self)
        }
    }
}

extension EffectiveConfiguration {
    /// A source of the topics of a lineage, once a broker answers.
    func source(of lineage: [LineageSegment]) throws -> KafkaConsumer {
        _ = try connectedAdmin()
        let topics = Set(lineage.flatMap(\.ranges).map(\.topic)).sorted()
        return try KafkaConsumer(kafkaSettings, topics: topics)
    }
}
