import ArgumentParser
import Foundation
import KafkaBroker
import Logging

/// `freshet quickstart`: the whole loop on this machine, from events to answers, in a minute.
struct QuickstartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quickstart",
        abstract: "Show the whole loop: broker, events, a learning model, live answers.",
        discussion: """
            Starts the embedded broker on a free port, streams interactions to a trainer as fast \
            as it learns, then at a steady pace while requests are answered, and prints what came \
            of it. Everything stays in one directory, which a later quickstart replaces.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(
        help: ArgumentHelp(
            "Events to use in place of synthetic ones: MovieLens u.data, CSV or JSON lines.",
            valueName: "file"
        )
    )
    var file: String?

    @Option(help: "Where to keep everything.")
    var directory = ".freshet/quickstart"

    @Option(help: "Synthetic events to learn from before the live part.")
    var events = 100_000

    @Option(help: "Seconds of live events.")
    var liveSeconds = 10

    @Option(help: "Live events per second.")
    var liveRate = 2_000

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if events < 1 { throw ValidationError("--events is \(events), expected 1 or more") }
        if !(1...3600).contains(liveSeconds) {
            throw ValidationError("--live-seconds is \(liveSeconds), expected 1 to 3600")
        }
        if !(1...1_000_000).contains(liveRate) {
            throw ValidationError("--live-rate is \(liveRate), expected 1 to 1000000")
        }
    }

    func run() async throws {
        let folder = try QuickstartFolder(directory)
        let overrides = folder.overrides
        let effective = try common.load(overrides)
        try effective.require(.recommender, for: "freshet quickstart")
        var logger = effective.logger("freshet")
        logger.logLevel = max(effective.configuration.log.level, .warning)
        let broker = try await Broker.start(
            BrokerSettings(effective.configuration.broker),
            logger: logger
        )
        let address = EffectiveConfiguration.Override(
            key: "kafka.bootstrap_servers",
            value: broker.bootstrapServers,
            flag: "quickstart"
        )
        do {
            let plan = QuickstartRun(
                effective: try common.load(overrides + [address]),
                logger: logger,
                interruption: Interruption(),
                file: file,
                historyCount: events,
                liveSeconds: liveSeconds,
                liveRate: liveRate
            )
            let result = try await plan.run()
            try StandardOutput.print(result, json: json, [result.text(directory: folder.path)])
        } catch {
            await broker.shutdown()
            throw error
        }
        await broker.shutdown()
    }
}

/// The directory of a quickstart: made new, unless it holds something that is not ours.
struct QuickstartFolder {
    let path: String
    /// Held until the process ends, so that no other quickstart removes the directory meanwhile.
    private let lock: Int32
    private static let marker = "made-by-freshet-quickstart"

    init(_ path: String) throws(CommandFailure) {
        self.path = path
        let files = FileManager.default
        let contents = (try? files.contentsOfDirectory(atPath: path)) ?? []
        guard contents.isEmpty || contents.contains(Self.marker) else {
            throw CommandFailure(
                .failure,
                "\(path) holds files that no quickstart made",
                remedy: "name an empty or new directory with --directory"
            )
        }
        try Self.refuseIfInUse("\(path)/\(Self.marker)")
        do {
            if !contents.isEmpty { try files.removeItem(atPath: path) }
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: "\(path)/\(Self.marker)"))
            lock = open("\(path)/\(Self.marker)", O_RDWR | O_CLOEXEC)
            flock(lock, LOCK_EX | LOCK_NB)
        } catch {
            throw CommandFailure(
                .failure,
                "\(path) cannot be written (\(error.localizedDescription))",
                remedy: "name another directory with --directory"
            )
        }
    }

    private static func refuseIfInUse(_ marker: String) throws(CommandFailure) {
        let descriptor = open(marker, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw CommandFailure(
                .failure,
                "a quickstart is running in this directory",
                remedy: "wait for it, or name another with --directory"
            )
        }
    }

    /// The keys that keep everything in this directory and away from other brokers.
    var overrides: [EffectiveConfiguration.Override] {
        [
            ("broker.data", "\(path)/broker"), ("store.directory", "\(path)/store"),
            ("broker.port", "0"),
        ].map {
            EffectiveConfiguration.Override(key: $0.0, value: $0.1, flag: "quickstart")
        }
    }
}
