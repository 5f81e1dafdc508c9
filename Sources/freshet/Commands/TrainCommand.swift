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
        let recovery = RecoveryTimes()
        let effective = try common.load()
        let interruption = Interruption()
        try effective.verifyTopics(waitingUntil: { interruption.isRequested })
        let loop = TrainerLoop.start(
            effective,
            stopsAtEnd: untilEnd,
            recovery: recovery,
            logger: effective.logger("freshet.trainer")
        )
        try watch(loop, interruption)
        let report = TrainingReport(loop.status)
        try StandardOutput.print(report, json: json, [report.text])
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
    /// The longest time that copying state for a checkpoint held learning up.
    let longestPause: Double
    /// Milliseconds from the start, of each step and until the first event and update.
    let recovery: [String: Double]
    let metrics: [String: Double]

    private enum CodingKeys: String, CodingKey {
        case events, rejected, replayed, version, epoch, recovery, metrics
        case longestPause = "longest_pause_ms"
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
        longestPause = Self.milliseconds(status.longestPause)
        recovery = Self.milliseconds(of: status.recovery)
        var metrics: [String: Double] = [:]
        for metric in status.metrics where metric.value.isFinite {
            metrics[metric.name] = metric.value
        }
        self.metrics = metrics
    }

    /// The report for people.
    var text: String {
        "\(grouped(events)) events learned, version \(version), \(grouped(rejected)) rejected; "
            + "checkpoints held learning up for at most \(longestPause) ms"
    }

    private static func milliseconds(of recovery: RecoveryTimes) -> [String: Double] {
        var times: [String: Double] = [:]
        for (step, duration) in recovery.steps {
            times["\(step.rawValue)_ms"] = milliseconds(duration)
        }
        times["first_event_ms"] = recovery.firstEvent.map(milliseconds)
        times["first_update_ms"] = recovery.firstUpdate.map(milliseconds)
        return times
    }

    /// To a tenth.
    private static func milliseconds(_ duration: Duration) -> Double {
        (duration / .microseconds(100)).rounded() / 10
    }
}
