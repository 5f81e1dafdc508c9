import Learning
import ArgumentParser
import Foundation
import KafkaBroker
import Learning
import Logging
import ServiceLifecycle
import UnixSignals

/// `freshet broker`: the embedded broker.
struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Run the embedded Kafka broker (freshet broker run), or look at one.",
        subcommands: [
            BrokerRunCommand.self, BrokerStatusCommand.self, BrokerCheckCommand.self,
        ],
        defaultSubcommand: BrokerRunCommand.self
    )
}

/// `freshet broker run`, or `freshet broker` alone: the broker as a process of its own.
struct BrokerRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the embedded Kafka broker until SIGTERM or SIGINT.",
        discussion: "Prints its address on standard output as soon as clients can connect."
    )

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("Where topics are kept, in place of broker.data."))
    var data: String?

    @Option(help: ArgumentHelp("The address to listen on, in place of broker.host."))
    var host: String?

    @Option(
        help: ArgumentHelp("The port to listen on, 0 for a free one, in place of broker.port.")
    )
    var port: String?

    func run() async throws {
        let effective = try common.load(
            [
                ("broker.data", data, "--data"), ("broker.host", host, "--host"),
                ("broker.port", port, "--port"),
            ].compactMap { key, value, flag in
                value.map { EffectiveConfiguration.Override(key: key, value: $0, flag: flag) }
            }
        )
        let logger = effective.logger("freshet.broker")
        var settings = BrokerSettings(effective.configuration.broker)
        settings.faultPoint = ProcessInfo.processInfo.environment[Broker.faultVariable]
        let service = BrokerService(
            settings: settings,
            logger: logger
        ) { broker in
            try StandardOutput.print([broker.bootstrapServers])
        }
        try await ServiceGroup(
            services: [service],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        ).run()
    }
}

/// The embedded broker as a service: starts, says that it is ready, and shuts down in order.
struct BrokerService: Service {
    let settings: BrokerSettings
    let logger: Logger
    /// Called once clients can connect.
    let whenReady: @Sendable (Broker) async throws -> Void

    func run() async throws {
        let broker = try await Broker.start(settings, logger: logger)
        do {
            try await whenReady(broker)
            try await gracefulShutdown()
        } catch {
            await broker.shutdown()
            throw error
        }
        await broker.shutdown()
    }
}

extension BrokerSettings {
    /// The settings that a configuration gives.
    init(_ section: Configuration.Broker) {
        self.init(dataDirectory: section.data)
        host = section.host
        advertisedHost = section.advertisedHost.isEmpty ? nil : section.advertisedHost
        port = section.port
        numPartitions = section.defaultPartitions
        autoCreateTopics = section.autoCreateTopics
        clampReplicationFactor = section.replicationFactorPolicy == .clamp
        flushIntervalMilliseconds = Int(section.flushInterval.milliseconds)
        checksEverything = section.checkEverything
        retentionCheckMilliseconds = Int(section.retentionCheckInterval.milliseconds)
        groupInitialRebalanceDelayMilliseconds = Int(
            section.groupInitialRebalanceDelay.milliseconds
        )
        offsetsRetentionMilliseconds = Int(section.offsetsRetention.milliseconds)
        producerExpirationMilliseconds = Int(section.producerIDExpiration.milliseconds)
        segmentBytes = Int(section.segmentSize.bytes)
        maxMessageBytes = Int(section.maximumBatchSize.bytes)
        requestMemoryBytes = Int(section.requestMemory.bytes)
        minimumFreeBytes = Int(section.minimumFreeSpace.bytes)
        maxConnections = section.maximumConnections
    }
}
