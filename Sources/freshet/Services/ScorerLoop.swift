import KafkaClient
import Learning
import Logging
import Pipeline
import Streaming

/// A scorer of the configured model, wired to Kafka and the model store.
enum ScorerLoop {
    /// Starts it.
    static func start(
        _ effective: EffectiveConfiguration,
        hashesState: Bool = false,
        logger: Logger
    ) -> Loop<ScorerStatus> {
        Loop(name: "scorer", status: ScorerStatus()) { stop, board in
            try run(
                effective.configuration.model.settings.learner,
                effective,
                hashesState,
                stop,
                board,
                logger
            )
        }
    }

    private static func run<Chosen: ConfiguredLearner>(
        _ chosen: Chosen,
        _ effective: EffectiveConfiguration,
        _ hashesState: Bool,
        _ stop: StopSignal,
        _ board: Board<ScorerStatus>,
        _ logger: Logger
    ) throws {
        let configuration = effective.configuration
        let (names, topics) = (effective.topicNames, effective.modelTopics)
        let scorer = Scorer<Chosen.Model.Model>(
            ScorerSettings(
                model: configuration.model.name,
                updatesTopic: names.modelUpdates,
                answersTopic: topics.answers,
                deadLettersTopic: names.deadLetters,
                batchSize: configuration.scorer.batchSize,
                hashesState: hashesState
            ),
            served: try served(effective),
            requests: { () throws(StreamError) in
                try KafkaConsumer(
                    requestSettings(effective),
                    group: configuration.scorer.group,
                    topics: [topics.requests],
                    start: configuration.scorer.start == .earliest ? .earliest : .latest
                )
            },
            delivery: try delivery(effective, stop),
            store: try effective.modelStore(mustExist: false),
            stop: stop,
            board: board,
            logger: logger
        )
        try scorer.run()
    }

    /// With `exactly_once` an instance has a name of its own: as a static member of the group it goes
    /// on with its requests as soon as it is started again after a kill, where others wait for the
    /// session to time out.
    private static func requestSettings(_ effective: EffectiveConfiguration) -> KafkaSettings {
        var settings = effective.kafkaSettings
        let scorer = effective.configuration.scorer
        guard scorer.exactlyOnce else { return settings }
        settings.properties.merge(["group.instance.id": scorer.instance]) { own, _ in own }
        return settings
    }

    private static func served(
        _ effective: EffectiveConfiguration
    ) throws(StreamError) -> ServedState {
        let serve = effective.configuration.scorer.serve
        guard serve == Configuration.Scorer.live else { return .alias(serve) }
        var settings = effective.kafkaSettings
        settings.properties.merge(updateProperties) { own, _ in own }
        return .live(
            updates: try KafkaConsumer(settings, topics: [effective.topicNames.modelUpdates])
        )
    }

    private static func delivery(
        _ effective: EffectiveConfiguration,
        _ stop: StopSignal
    ) throws(StreamError) -> AnswerDelivery {
        let scorer = effective.configuration.scorer
        let givesUp = { stop.isSet(longerThan: .seconds(10)) }
        var settings = effective.kafkaSettings
        settings.properties.merge(sinkProperties) { own, _ in own }
        guard scorer.exactlyOnce else {
            return .atLeastOnce(try KafkaProducer(settings, givesUp: givesUp))
        }
        // librdkafka sets it to the time that a transaction may last, and refuses any longer one.
        settings.properties["message.timeout.ms"] = nil
        let sinkSettings = settings
        let milliseconds =
            settings.properties["transaction.timeout.ms"].flatMap { Int64($0) } ?? 60_000
        return .exactlyOnce(
            AnswerTransactions(
                instance: scorer.instance,
                timeout: .milliseconds(milliseconds),
                openSink: { () throws(StreamError) in
                    try KafkaProducer(
                        sinkSettings,
                        transactionalID: "freshet-scorer-\(scorer.group)-\(scorer.instance)",
                        givesUp: givesUp
                    )
                }
            )
        )
    }

    /// Answers are waited for: they leave at once.
    ///
    /// A broker that is away is waited for.
    private static let sinkProperties = [
        "linger.ms": "0", "message.max.bytes": "1200000", "message.timeout.ms": "0",
    ]

    /// An update is cut into parts just below 1 MB: two fit into one fetch.
    private static let updateProperties = [
        "fetch.message.max.bytes": "2097152", "queued.max.messages.kbytes": "16384",
    ]
}
