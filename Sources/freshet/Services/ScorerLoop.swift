import KafkaClient
import Logging
import Pipeline
import Recommendation
import Streaming

/// A scorer of the configured model, wired to Kafka and the model store.
enum ScorerLoop {
    /// Starts it.
    static func start(
        _ effective: EffectiveConfiguration,
        logger: Logger
    ) -> Loop<ScorerStatus> {
        Loop(name: "scorer", status: ScorerStatus()) { stop, board in
            let configuration = effective.configuration
            let names = effective.topicNames
            var sinkSettings = effective.kafkaSettings
            sinkSettings.properties.merge(sinkProperties) { own, _ in own }
            var updateSettings = effective.kafkaSettings
            updateSettings.properties.merge(updateProperties) { own, _ in own }
            let scorer = Scorer<RecommenderModel>(
                ScorerSettings(
                    model: configuration.model.name,
                    updatesTopic: names.modelUpdates,
                    answersTopic: names.recommendations,
                    deadLettersTopic: names.deadLetters,
                    batchSize: configuration.scorer.batchSize
                ),
                updates: try KafkaConsumer(updateSettings, topics: [names.modelUpdates]),
                requests: { () throws(StreamError) in
                    try KafkaConsumer(
                        effective.kafkaSettings,
                        group: configuration.scorer.group,
                        topics: [names.recommendRequests],
                        start: configuration.scorer.start == .earliest ? .earliest : .latest
                    )
                },
                sink: try KafkaProducer(
                    sinkSettings,
                    givesUp: { stop.isSet(longerThan: .seconds(10)) }
                ),
                store: try effective.modelStore(mustExist: false),
                stop: stop,
                board: board,
                logger: logger
            )
            try scorer.run()
        }
    }

    /// Answers are waited for: they leave at once.
    ///
    /// A broker that is away is waited for.
    private static let sinkProperties = [
        "linger.ms": "0", "message.max.bytes": "1200000", "message.timeout.ms": "0",
    ]

    /// An update is cut into parts just below 1 MB: two fit into one fetch.
    private static let updateProperties = ["fetch.message.max.bytes": "2097152"]
}
