import ArgumentParser
import Pipeline

/// `freshet score`: a scorer as a process of its own.
struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Answer requests with the live model until SIGTERM or SIGINT.",
        discussion: """
            Loads the model's newest version, follows its updates, and shares the requests with \
            other scorers of the same group. Every request is answered at least once, unless \
            scorer.start is latest and a new group has not answered any yet. With \
            scorer.exactly_once readers of committed records see each answer once; with \
            scorer.serve an alias's version answers in place of the live model.
            """
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "In the end, also hash the state that answers: equal states have equal hashes.")
    var stateHash = false

    @Flag(help: "Print the final status as JSON.")
    var json = false

    func run() throws {
        ModelAllocations.limit()
        let effective = try common.load()
        let interruption = Interruption()
        try effective.verifyTopics(waitingUntil: { interruption.isRequested })
        let loop = ScorerLoop.start(
            effective,
            hashesState: stateHash,
            logger: effective.logger("freshet.scorer")
        )
        while !loop.isFinished, !interruption.isRequested {
            interruption.sleep(.milliseconds(100))
        }
        loop.requestStop()
        try loop.join()
        let report = ScoringReport(loop.status)
        try StandardOutput.print(report, json: json, [report.text])
    }
}

/// What a scorer did, for people and for scripts.
struct ScoringReport: Encodable {
    let answered: Int64
    let refused: Int64
    let version: Int64
    let epoch: Int64
    let sequence: Int64
    let updateHash: String
    let stateHash: String?
    let following: Bool
    let ageMilliseconds: Int64?
    let gaps: Int64
    let duplicates: Int64
    let zombies: Int64
    let wrongPredecessors: Int64
    let damagedUpdates: Int64
    let refusedUpdates: Int64
    let freshnessEvents: Int64
    let freshnessP50Milliseconds: Int64
    let freshnessP99Milliseconds: Int64

    private enum CodingKeys: String, CodingKey {
        case answered, refused, version, epoch, sequence, following, gaps, duplicates, zombies
        case ageMilliseconds = "state_age_ms"
        case wrongPredecessors = "wrong_predecessors"
        case damagedUpdates = "damaged_updates"
        case refusedUpdates = "refused_updates"
        case updateHash = "update_hash"
        case stateHash = "state_hash"
        case freshnessEvents = "freshness_events"
        case freshnessP50Milliseconds = "freshness_p50_ms"
        case freshnessP99Milliseconds = "freshness_p99_ms"
    }

    init(_ status: ScorerStatus) {
        answered = status.answered
        refused = status.refused
        version = status.version
        epoch = status.epoch
        sequence = status.sequence
        updateHash = status.hash
        stateHash = status.stateHash
        following = status.isFollowing
        ageMilliseconds = status.age.map { Int64($0 / .milliseconds(1)) }
        gaps = status.faults.gaps
        duplicates = status.faults.duplicates
        zombies = status.faults.zombies
        wrongPredecessors = status.faults.wrongPredecessors
        damagedUpdates = status.faults.damaged
        refusedUpdates = status.faults.refused
        freshnessEvents = status.freshness.count
        freshnessP50Milliseconds = status.freshness.p50
        freshnessP99Milliseconds = status.freshness.p99
    }

    /// The report for people.
    var text: String {
        let state = following ? "" : " (out of step)"
        let age = ageMilliseconds.map { ", its last change \($0) ms ago" } ?? ""
        return "\(grouped(answered)) requests answered, \(grouped(refused)) refused, "
            + "version \(version)\(state)\(age), "
            + "event to servable p50 \(freshnessP50Milliseconds) ms, "
            + "p99 \(freshnessP99Milliseconds) ms" + (stateHash.map { "\nstate \($0)" } ?? "")
    }
}
