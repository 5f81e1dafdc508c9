import ArgumentParser

/// `freshet events import`: events from a file.
struct EventsImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Send the events of a file: MovieLens, CSV or JSON lines.",
        discussion: """
            Every line is checked before the first event is sent. Events go in the order of their \
            timestamps, those with the same timestamp in the order of the file.
            """
    )

    /// What a line that is no event does.
    enum OnError: String, CaseIterable, ExpressibleByArgument {
        /// Nothing is sent.
        case stop
        /// The line is left out.
        case skip
    }

    /// Which timestamps events get.
    enum Timestamps: String, CaseIterable, ExpressibleByArgument {
        /// Those of the file.
        case original
        /// The time at which the event is sent.
        case now
    }

    @OptionGroup var common: CommonOptions
    @OptionGroup var destination: EventOutputOptions

    @Argument(help: "The file, - for standard input.")
    var file: String

    @Option(
        help: "The format (default: found out from the first line)."
    )
    var format: ImportFormat?

    @Option(
        help: ArgumentHelp(
            "Which columns of a CSV hold what, by name or, without heading, by number from 1.",
            valueName: "user=…,item=…,value=…,timestamp=…"
        )
    )
    var columns = ""

    @Flag(help: "The CSV has no heading.")
    var noHeading = false

    @Option(help: "What is between the fields of a CSV.")
    var delimiter = ","

    @Option(
        help: "The unit of timestamps (default: the format's own)."
    )
    var timestampUnit: TimestampUnit?

    @Option(help: "The timestamps of the events sent.")
    var timestamps = Timestamps.original

    @Flag(help: "Send in the order of the file.")
    var noSort = false

    @Flag(help: "Put events with the same timestamp in random order (the same each time).")
    var shuffleTies = false

    @Option(help: "Send in the pace of the timestamps, so many times as fast.")
    var speed: Double?

    @Option(help: "Send at most so many events.")
    var limit: Int?

    @Option(help: "At a line that is no event: stop before sending anything, or skip the line.")
    var onError = OnError.stop

    func validate() throws {
        if let speed, !(speed > 0 && speed.isFinite) {
            throw ValidationError("--speed is \(speed), expected more than 0")
        }
        if let limit, limit < 0 {
            throw ValidationError("--limit is \(limit), expected 0 or more")
        }
        if speed != nil && destination.rate != nil {
            throw ValidationError("--speed and --rate exclude each other")
        }
        if noSort && shuffleTies {
            throw ValidationError("--no-sort and --shuffle-ties exclude each other")
        }
    }

    func run() throws {
        let effective = try common.load()
        let events = try read()
        let interruption = Interruption()
        let output = try destination.open(effective, interruption)
        let count = min(events.count, limit ?? Int.max)
        let transfer = EventTransfer(
            pace: pace,
            stampsNow: timestamps == .now,
            total: count,
            interruption: interruption
        )
        var index = 0
        let summary = try transfer.run(
            {
                guard index < count else { return nil }
                defer { index += 1 }
                return try events.event(at: index)
            },
            to: output
        )
        try destination.report(summary, output)
    }

    private var pace: Pacer.Pace {
        if let speed { return .speed(speed) }
        return destination.rate.map(Pacer.Pace.rate) ?? .unlimited
    }

    /// Reads and checks the file, and tells what is wrong with it.
    private func read() throws -> EventFile {
        let options = ImportOptions(
            format: format,
            columns: columns,
            hasHeading: !noHeading,
            delimiter: delimiter == "\\t" ? "\t" : delimiter,
            unit: timestampUnit,
            needsTimestamp: timestamps == .original
        )
        let order: EventFile.Order =
            noSort ? .file : shuffleTies ? .timestampShuffled(seed: 1) : .timestamp
        let events = try EventFile(try LineFile(path: file), options: options, order: order)
        for line in events.badLines { Messages.note("\(file):\(line.number): \(line.reason)") }
        if events.badCount > events.badLines.count {
            Messages.note("and \(events.badCount - events.badLines.count) more such lines")
        }
        if events.badCount > 0 && onError == .stop {
            throw CommandFailure(
                .failure,
                "\(file) has \(grouped(events.badCount)) lines that are no events "
                    + "(format \(events.formatName)); nothing was sent",
                remedy: "correct them, or leave them out with --on-error skip"
            )
        }
        if events.badCount > 0 {
            Messages.note("\(grouped(events.badCount)) lines of \(file) were left out")
        }
        return events
    }
}

extension TimestampUnit: ExpressibleByArgument {}
