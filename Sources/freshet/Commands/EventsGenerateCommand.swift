import ArgumentParser

/// `freshet events generate`: synthetic interactions.
struct EventsGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Send synthetic interactions that a recommender can learn from.",
        discussion: """
            Popularity follows Zipf's law, users have tastes, and each event depends on the one \
            before it. The same options give the same events.
            """
    )

    /// Which timestamps events get.
    enum Timestamps: String, CaseIterable, ExpressibleByArgument {
        /// From 2024-01-01 on, ten seconds apart: the same each time.
        case synthetic
        /// The time at which the event is sent.
        case now
    }

    @OptionGroup var common: CommonOptions
    @OptionGroup var destination: EventOutputOptions

    @Option(help: "How many events.")
    var events = 100_000

    @Option(help: "How many users, at most 1,000,000.")
    var users = GeneratorSettings().users

    @Option(help: "How many items, at most 1,000,000.")
    var items = GeneratorSettings().items

    @Option(help: "Everything random follows from it.")
    var seed: UInt64 = GeneratorSettings().seed

    @Option(help: "The event, counted from 0, at which every user's taste changes.")
    var shiftAt: Int?

    @Flag(help: "Add ratings from 0.5 to 5 (explicit feedback).")
    var ratings = false

    @Option(
        help: "The events' timestamps (default: now for the topic, synthetic for a file)."
    )
    var timestamps: Timestamps?

    func validate() throws {
        if events < 0 { throw ValidationError("--events is \(events), expected 0 or more") }
        let range = 1...GeneratorSettings.largestCount
        for (name, value) in [("--users", users), ("--items", items)] where !range.contains(value) {
            throw ValidationError("\(name) is \(value), expected 1 to \(range.upperBound)")
        }
        if let shiftAt, shiftAt < 0 {
            throw ValidationError("--shift-at is \(shiftAt), expected 0 or more")
        }
    }

    func run() throws {
        let effective = try common.load()
        let interruption = Interruption()
        let output = try destination.open(effective, interruption)
        let stamps = timestamps ?? (destination.output == nil ? .now : .synthetic)
        var settings = GeneratorSettings(
            users: users,
            items: items,
            seed: seed,
            shiftAt: shiftAt,
            hasRatings: ratings
        )
        // Ten seconds each, but never beyond what a timestamp may be, however many there are.
        settings.interval = min(settings.interval, 100_000_000_000_000 / Int64(max(events, 1)))
        var generator = InteractionGenerator(settings)
        let transfer = EventTransfer(
            pace: destination.rate.map(Pacer.Pace.rate) ?? .unlimited,
            stampsNow: stamps == .now,
            total: events,
            interruption: interruption
        )
        let summary = try transfer.run(
            { generator.index < events ? generator.next() : nil },
            to: output
        )
        try destination.report(summary, output)
    }
}
