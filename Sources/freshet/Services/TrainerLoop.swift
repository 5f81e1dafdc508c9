import KafkaClient
import Learning
import Logging
import Pipeline
import Streaming

/// The trainer of the configured model, wired to Kafka and the model store.
enum TrainerLoop {
    /// Starts it.
    ///
    /// With `stopsAtEnd` it ends when all that is in the log now has been learned. `recovery` began
    /// with the process.
    static func start(
        _ effective: EffectiveConfiguration,
        stopsAtEnd: Bool = false,
        recovery: RecoveryTimes = RecoveryTimes(),
        logger: Logger
    ) -> Loop<TrainerStatus> {
        Loop(name: "trainer", status: TrainerStatus()) { stop, board in
            try run(
                effective.configuration.model.settings.learner,
                effective,
                stopsAtEnd,
                recovery,
                stop,
                board,
                logger
            )
        }
    }

    private static func run<Chosen: ConfiguredLearner>(
        _ chosen: Chosen,
        _ effective: EffectiveConfiguration,
        _ stopsAtEnd: Bool,
        _ begun: RecoveryTimes,
        _ stop: StopSignal,
        _ board: Board<TrainerStatus>,
        _ logger: Logger
    ) throws {
        let configuration = effective.configuration
        let names = effective.topicNames
        let input = effective.modelTopics.input
        var recovery = begun
        recovery.finish(.topics)
        let store = try effective.modelStore(mustExist: false)
        recovery.finish(.store)
        var sinkSettings = effective.kafkaSettings
        sinkSettings.properties.merge(deadLetterProperties) { own, _ in own }
        var sourceSettings = effective.kafkaSettings
        sourceSettings.properties.merge(sourceProperties) { own, _ in own }
        let trainer = try Trainer<Chosen.Model>(
            TrainerSettings(
                model: configuration.model.name,
                inputs: [input],
                updatesTopic: names.modelUpdates,
                deadLettersTopic: names.deadLetters,
                start: configuration.trainer.start == .earliest ? .earliest : .latest,
                batchSize: configuration.trainer.batchSize,
                publishInterval: configuration.trainer.publishInterval.duration,
                checkpointInterval: configuration.trainer.checkpointInterval.duration,
                checkpointEvents: Int64(configuration.trainer.checkpointEvents),
                maximumIncrements: configuration.trainer.maximumIncrements,
                keptVersions: configuration.store.keepVersions,
                duplicateWindow: configuration.trainer.duplicateWindow,
                stopsAtEnd: stopsAtEnd,
                codeRevision: freshetVersion
            ),
            learnerSettings: chosen.settings,
            source: try KafkaConsumer(sourceSettings, topics: [input]),
            sink: try KafkaProducer(
                sinkSettings,
                givesUp: { stop.isSet(longerThan: .seconds(10)) }
            ),
            updates: updates(effective),
            store: store,
            stop: stop,
            board: board,
            recovery: recovery,
            logger: logger
        )
        WorkerThread.setNiceness(configuration.trainer.niceness)
        try trainer.run()
    }

    /// The way to `model-updates`.
    private static func updates(_ effective: EffectiveConfiguration) -> UpdatesConnection {
        let (model, topic) = (effective.configuration.model.name, effective.topicNames.modelUpdates)
        var settings = effective.kafkaSettings
        settings.properties.merge(updateProperties) { own, _ in own }
        // librdkafka sets it to the time that a transaction may last, and refuses any longer one.
        settings.properties["message.timeout.ms"] = nil
        let sinkSettings = settings
        let sourceSettings = effective.kafkaSettings
        return UpdatesConnection(
            openSink: { () throws(StreamError) in
                try KafkaProducer(sinkSettings, transactionalID: "freshet-trainer-\(model)")
            },
            openSource: { () throws(StreamError) in
                try KafkaConsumer(sourceSettings, topics: [topic])
            }
        )
    }

    /// Read ahead is what a fast learner takes in some 50 ms: librdkafka needs about 300 bytes for
    /// each record besides the record itself.
    private static let sourceProperties = [
        "queued.min.messages": "20000", "queued.max.messages.kbytes": "16384",
    ]

    /// Factors do not compress.
    private static let updateProperties = [
        "compression.codec": "none", "message.max.bytes": "1200000", "linger.ms": "0",
    ]

    /// A dead letter is its event and the headers that explain it.
    ///
    /// A broker that is away is waited for: what is under way is bounded by the producer's queue.
    private static let deadLetterProperties = [
        "compression.codec": "none", "message.max.bytes": "1200000", "linger.ms": "0",
        "message.timeout.ms": "0",
    ]
}
