import ArgumentParser
import Learning
import Pipeline

/// `freshet train`: the trainer as a process of its own.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Learn from the events until SIGTERM or SIGINT.",
        discussion: """
            Goes on from the model's newest version and learns the journal after it again, so that \
            nothing is lost or learned twice, also after kill -9. Ends with a last version.
            """
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "End once all events that are in the topic at start have been learned.")
    var untilEnd = false

    @Flag(help: "Print the final status as JSON.")
    var json = false

    func run() throws {
        ModelAllocations.limit()
        let effective = try common.load()
        let interruption = Interruption()
        try effective.verifyTopics(waitingUntil: { interruption.isRequested })
        let loop = TrainerLoop.start(
            effective,
            stopsAtEnd: untilEnd,
            logger: effective.logger("freshet.trainer")
        )
        try watch(loop, interruption)
        let output = LineWriter.standardOutput()
        let report = TrainingReport(loop.status)
        try output.line(json ? try JSONOutput.line(report) : report.text)
        try output.flush()
    }

    private func watch(_ loop: Loop<TrainerStatus>, _ interruption: Interruption) throws {
        var progress = Progress("Learned", unit: "events", total: nil)
        while !loop.isFinished, !interruption.isRequested {
            interruption.sleep(.milliseconds(100))
            progress.update(Int(loop.status.eventCount))
        }
        progress.finish()
        loop.requestStop()
        try loop.join()
    }
}

/// What a trainer did, for people and for scripts.
struct TrainingReport: Encodable {
    let events: Int64
    let rejected: Int64
    let replayed: Int64
    let version: Int64
    let epoch: Int64
    let recordsPerSecond: Double
    let metrics: [String: Double]

    private enum CodingKeys: String, CodingKey {
        case events, rejected, replayed, version, epoch, metrics
        case recordsPerSecond = "records_per_second"
    }

    init(_ status: TrainerStatus) {
        events = status.eventCount
        rejected = status.rejectedCount
        replayed = status.replayedRecords
        version = status.version
        epoch = status.epoch
        let seconds = status.liveDuration / .seconds(1)
        recordsPerSecond = seconds > 0 ? Double(status.liveRecords) / seconds : 0
        var metrics: [String: Double] = [:]
        for metric in status.metrics where metric.value.isFinite {
            metrics[metric.name] = metric.value
        }
        self.metrics = metrics
    }

    /// The report for people.
    var text: String {
        "\(grouped(events)) events learned, version \(version), \(grouped(rejected)) rejected"
    }
}
