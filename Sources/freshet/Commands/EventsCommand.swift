import Learning
import ArgumentParser
import KafkaClient
import Learning
import Streaming

/// `freshet events`: makes or brings in events.
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Generate synthetic events or import real ones.",
        subcommands: [EventsGenerateCommand.self, EventsImportCommand.self]
    )
}

/// Where events go and how fast: the same for generated and imported ones.
struct EventOutputOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write JSON lines to this file, - for standard output, instead of to the topic.",
            valueName: "file"
        )
    )
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Events per second; as fast as possible if absent.",
            valueName: "events/s"
        )
    )
    var rate: Double?

    func validate() throws {
        if let rate, !(rate > 0 && rate.isFinite) {
            throw ValidationError("--rate is \(rate), expected more than 0 events per second")
        }
    }

    /// Opens the output.
    ///
    /// A topic must be there and as declared: nothing is sent into a wrong one.
    func open(
        _ effective: EffectiveConfiguration,
        _ interruption: Interruption
    ) throws -> any EventOutput {
        if let output { return try LinesOutput(path: output) }
        try effective.require(.recommender, for: "freshet events")
        let declarations = try effective.topicDeclarations()
        try declarations.verify(
            try effective.connectedAdmin(),
            timeout: effective.configuration.kafka.timeout.duration,
            roles: [.interactions]
        )
        return try TopicOutput(
            topic: effective.topicNames.interactions,
            settings: effective.kafkaSettings,
            interruption: interruption
        )
    }

    /// Says what was done, beside the events themselves.
    func report(_ summary: EventTransfer.Summary, _ output: any EventOutput) throws {
        let seconds = (summary.elapsed / .milliseconds(10)).rounded() / 100
        Messages.note(
            "\(grouped(summary.count)) events delivered to \(output.name) in \(seconds) s "
                + "(\(grouped(rateOf(summary)))/s)"
        )
        guard summary.isInterrupted else { return }
        throw CommandFailure(
            .failure,
            "interrupted after \(grouped(summary.count)) events",
            remedy: "all of them were delivered; the rest was not sent"
        )
    }

    private func rateOf(_ summary: EventTransfer.Summary) -> Int {
        freshet.rate(summary.count, summary.elapsed)
    }
}
