import KafkaClient
import Learning
import ModelStore
import Pipeline
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
    static func settings(of version: ModelVersion) throws -> any LearnerSettings {
        try settings(
            storedText: version.settings,
            of: "version \(version.number), learned by freshet \(version.codeRevision),"
        )
    }

    /// The settings in what a version keeps of them; `name` stands for it in an error.
    static func settings(
        storedText: String,
        of name: String
    ) throws(CommandFailure) -> any LearnerSettings {
        // Versions that are older than kinds are recommenders.
        let kindName = settingsKind(of: storedText) ?? ModelKind.recommender.rawValue
        let problem: String
        if let kind = ModelKind(rawValue: kindName) {
            do throws(LearningError) {
                return try kind.settings.init(storedText: storedText)
            } catch {
                problem = error.message
            }
        } else {
            problem = "there is no kind of model \"\(kindName)\""
        }
        throw CommandFailure(
            .failure,
            "\(name) cannot be loaded: \(problem)",
            remedy: "use the freshet that learned it"
        )
    }

    /// The state of a version from its files, whose hashes are checked.
    static func load(_ version: ModelVersion, from store: ModelStore) throws -> State {
        let chain = try store.chain(of: version)
        for part in chain { try store.verify(part.blob) }
        func load<Chosen: ConfiguredLearner>(_ chosen: Chosen) throws -> State {
            State(
                try TrainedModel<Chosen.Model>(
                    chain,
                    of: store,
                    settings: chosen.settings,
                    duplicateWindow: nil
                )
            )
        }
        return try load(try settings(of: version).learner)
    }

    /// The state that a learner of these settings has once it has learned a lineage from the log.
    static func learn(
        _ rebuild: Rebuild,
        settings: any LearnerSettings,
        duplicateWindow: Int
    ) throws -> State {
        var progress = Progress("Learning", unit: "records", total: Int(rebuild.recordCount))
        defer { progress.finish() }
        func learn<Chosen: ConfiguredLearner>(_ chosen: Chosen) throws -> State {
            var model = try TrainedModel<Chosen.Model>(
                settings: chosen.settings,
                duplicateWindow: duplicateWindow
            )
            _ = try rebuild.run(into: &model) { count throws(PipelineError) in
                progress.update(Int(count))
            }
            return State(model)
        }
        return try learn(settings.learner)
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
