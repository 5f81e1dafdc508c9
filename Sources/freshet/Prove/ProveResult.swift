import Foundation

/// What a proof found, for people and for scripts.
struct ProveResult: Encodable, Sendable {
    /// What a scorer said when it ended, as `freshet score --json` prints it.
    struct Scorer: Codable, Sendable, Equatable {
        var version: Int64
        var epoch: Int64
        var sequence: Int64
        var stateHash: String?

        private enum CodingKeys: String, CodingKey {
            case version, epoch, sequence
            case stateHash = "state_hash"
        }
    }

    let seed: UInt64
    let kills: [String: Int]
    let faultPoints: Int
    let takeOvers: Int
    let hangs: Int
    let starts: Int
    let partitions: Int
    let events: Int
    let requests: Int
    let versions: Int64
    let seconds: Double
    let trainedHash: String
    let replayedHash: String
    let undisturbedHash: String?
    let servedHash: String
    let scorers: [Scorer]
    let checks: [ProveCheck]
    private let isExternal: Bool

    private enum CodingKeys: String, CodingKey {
        case seed, kills, faultPoints, takeOvers, hangs, starts, partitions, events, requests
        case versions, seconds, trainedHash, replayedHash, undisturbedHash, servedHash, scorers
        case checks
    }

    init(
        options: ProveConfiguration.Options,
        isExternal: Bool,
        counts: ProveProcesses.Counts,
        events: Int,
        requests: Int,
        versions: Int64,
        seconds: Double,
        trainedHash: String,
        replayedHash: String,
        undisturbedHash: String?,
        servedHash: String,
        scorers: [Scorer],
        checks: [ProveCheck]
    ) {
        seed = options.seed
        partitions = options.partitions
        self.isExternal = isExternal
        kills = Dictionary(uniqueKeysWithValues: counts.kills.map { ("\($0)", $1) })
        faultPoints = counts.faults
        takeOvers = counts.takeOvers
        hangs = counts.hangs
        starts = counts.starts
        self.events = events
        self.requests = requests
        self.versions = versions
        self.seconds = seconds
        self.trainedHash = trainedHash
        self.replayedHash = replayedHash
        self.undisturbedHash = undisturbedHash
        self.servedHash = servedHash
        self.scorers = scorers
        self.checks = checks
    }

    /// Whether all holds.
    var isProved: Bool { checks.allSatisfy { $0.problem == nil } }

    /// The result for people.
    var lines: [String] {
        let killed = kills.sorted { $0.key < $1.key }
            .map { "\($0.key) \(grouped($0.value))" }.joined(separator: ", ")
        var lines = [
            row("kills", "\(grouped(kills.values.reduce(0, +))) (\(killed))"),
            row("at fault points", grouped(faultPoints)),
            row("paused", "\(takeOvers) while another took over, \(hangs) brokers for a while"),
            row(
                "stream",
                "\(grouped(events)) events in \(partitions) "
                    + "\(partitions == 1 ? "partition" : "partitions"), "
                    + "\(grouped(requests)) requests, \(grouped(versions)) versions"
            ),
            row("time", String(format: "%.0f s, %d processes", seconds, starts)),
            "",
        ]
        if isExternal { lines.insert(row("broker", "not ours: never killed"), at: 0) }
        for check in checks {
            lines.append(
                check.problem.map { "NO   \(check.claim): \($0)" } ?? "yes  \(check.claim)"
            )
        }
        lines += ["", row("trained", trainedHash), row("replayed", replayedHash)]
        if let undisturbedHash { lines.append(row("undisturbed", undisturbedHash)) }
        lines.append(row("served", servedHash))
        for (index, scorer) in scorers.enumerated() {
            lines.append(row("scorer \(index)", scorer.stateHash ?? "none"))
        }
        return lines
    }

    private func row(_ name: String, _ value: String) -> String {
        name.padding(toLength: 17, withPad: " ", startingAt: 0) + value
    }
}
