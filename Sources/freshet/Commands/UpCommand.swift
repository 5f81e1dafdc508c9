import Learning
import ArgumentParser
import KafkaBroker
import Logging
import Pipeline
import ServiceLifecycle
import UnixSignals

/// `freshet up`: everything in one process.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run broker, trainer and scorer in one process until SIGTERM or SIGINT.",
        discussion: """
            Starts the embedded broker, makes the topics that are missing, trains and answers. \
            Prints the broker's address on standard output once requests can be asked. With \
            --bootstrap, or kafka.bootstrap_servers set to another address than the default, no \
            broker is started: that one is used.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("Where topics are kept, in place of broker.data."))
    var data: String?

    @Option(
        help: ArgumentHelp("The port to listen on, 0 for a free one, in place of broker.port.")
    )
    var port: String?

    func run() async throws {
        let overrides = [("broker.data", data, "--data"), ("broker.port", port, "--port")]
            .compactMap { key, value, flag in
                value.map { EffectiveConfiguration.Override(key: key, value: $0, flag: flag) }
            }
        let effective = try common.load(overrides)
        let logger = effective.logger("freshet")
        let service: any Service
        if effective.usesEmbeddedBroker {
            let common = common
            service = BrokerService(
                settings: BrokerSettings(effective.configuration.broker),
                logger: logger
            ) { broker in
                let address = EffectiveConfiguration.Override(
                    key: "kafka.bootstrap_servers",
                    value: broker.bootstrapServers,
                    flag: "--port"
                )
                try await LoopsService(
                    effective: try common.load(overrides + [address]),
                    logger: logger
                ).run()
            }
        } else {
            service = LoopsService(effective: effective, logger: logger)
        }
        try await ServiceGroup(
            services: [service],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        ).run()
    }
}

/// Trainer and scorer as a service: topics first, then both loops until shutdown, in order.
struct LoopsService: Service {
    let effective: EffectiveConfiguration
    let logger: Logger

    func run() async throws {
        let (effective, stop) = (effective, StopSignal())
        try await withGracefulShutdownHandler {
            try await onOwnThread("topics") {
                try effective.verifyTopics(applying: true, waitingUntil: { stop.isSet })
            }
        } onGracefulShutdown: {
            stop.set()
        }
        guard !stop.isSet else { return }
        let trainer = TrainerLoop.start(effective, logger: logger)
        let scorer = ScorerLoop.start(effective, logger: logger)
        do {
            try await cancelWhenGracefulShutdown {
                try await supervise(trainer, scorer)
            }
        } catch is CancellationError {
            logger.info("shutting down: writing the last version")
        }
        trainer.requestStop()
        scorer.requestStop()
        let failures = [await trainer.outcome(), await scorer.outcome()].compactMap(\.self)
        if let failure = failures.first { throw failure }
    }

    /// Announces readiness, then returns when a loop ends by itself, which is a failure.
    private func supervise(
        _ trainer: Loop<TrainerStatus>,
        _ scorer: Loop<ScorerStatus>
    ) async throws {
        var isAnnounced = false
        while !trainer.isFinished, !scorer.isFinished {
            if !isAnnounced, scorer.status.isServing {
                isAnnounced = true
                try StandardOutput.print([effective.configuration.kafka.bootstrapServers])
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension EffectiveConfiguration {
    /// Whether no other broker is named: then the embedded one serves.
    var usesEmbeddedBroker: Bool {
        configuration.kafka.bootstrapServers == Configuration().kafka.bootstrapServers
    }

    /// Throws unless the topics are as declared; with `applying` missing ones are made first.
    ///
    /// A broker that does not answer is waited for until `isCancelled`, with a note once.
    func verifyTopics(applying: Bool = false, waitingUntil isCancelled: () -> Bool) throws {
        let declarations = try topicDeclarations()
        var isNoted = false
        while !isCancelled() {
            do {
                let admin = try connectedAdmin(timeout: .seconds(1))
                let timeout = configuration.kafka.timeout.duration
                if applying { _ = try declarations.apply(admin, timeout: timeout) }
                try declarations.verify(admin, timeout: timeout, roles: neededTopics)
                return
            } catch let failure as CommandFailure where failure.status == .unreachable {
                if !isNoted { Messages.note("\(failure.description); waiting for it") }
                isNoted = true
            }
        }
    }
}
