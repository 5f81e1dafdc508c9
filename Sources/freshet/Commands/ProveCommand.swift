import ArgumentParser

/// `freshet prove`: kills everything again and again, and shows that nothing is lost or doubled.
struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Kill everything again and again, and check that nothing is lost or doubled.",
        discussion: """
            Streams events and requests to a trainer, scorers and a broker of their own, kills them \
            with SIGKILL at moments that the seed decides, also at fault points and while they \
            start, pauses some while others take their place, and starts each again at once. In the \
            end every event must have been learned once, every request be answered once, and \
            trainer, scorers and a fresh replay of the journal be in the same state, bit for bit. \
            With --bootstrap that broker is used, under topics of its own, and not killed.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "How often to kill a process.")
    var kills = 100

    @Option(help: "Decides who is killed when, and what the events are.")
    var seed: UInt64 = 1

    @Option(help: "Partitions of the events; with one, an undisturbed run is compared as well.")
    var partitions = 1

    @Option(help: "How many scorers share the requests.")
    var scorers = 2

    @Option(help: "Events per second; a tenth as many requests.")
    var rate = 500

    @Option(help: "Where to keep everything, in place of a temporary directory; must be empty.")
    var directory: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if !(1...1_000_000).contains(kills) {
            throw ValidationError("--kills is \(kills), expected 1 to 1000000")
        }
        if !(1...64).contains(partitions) {
            throw ValidationError("--partitions is \(partitions), expected 1 to 64")
        }
        // Requests have four partitions, and each scorer must get one.
        if !(1...4).contains(scorers) {
            throw ValidationError("--scorers is \(scorers), expected 1 to 4")
        }
        if !(1...10_000).contains(rate) {
            throw ValidationError("--rate is \(rate), expected 1 to 10000")
        }
    }

    func run() async throws {
        let folder = try ProveFolder(directory, seed: seed)
        Messages.note("seed \(seed), \(grouped(kills)) kills, everything in \(folder.path)")
        let interruption = Interruption()
        let options = ProveConfiguration.Options(
            kills: kills,
            seed: seed,
            partitions: partitions,
            scorers: scorers,
            rate: rate
        )
        let common = common
        do {
            let result = try await onOwnThread("prove") {
                try ProveRun(options, common, folder, interruption).run()
            }
            try StandardOutput.print(result, json: json, result.lines)
            if let broken = result.checks.first(where: { $0.problem != nil }) {
                throw CommandFailure(.failure, "it does not hold that \(broken.claim)", remedy: "")
            }
        } catch {
            let failure = CommandFailure(error)
            guard failure != .interrupted, failure.status != .misuse else {
                folder.remove()
                throw failure
            }
            throw disproved(
                folder,
                failure.remedy.isEmpty ? failure.message : failure.description
            )
        }
        folder.remove()
    }

    /// What to say when something did not hold.
    private func disproved(_ folder: ProveFolder, _ reason: String) -> CommandFailure {
        CommandFailure(
            .failure,
            reason,
            remedy: "data, store and logs are in \(folder.path); again with \"\(commandLine)\""
        )
    }

    /// The command that does the same.
    private var commandLine: String {
        let options =
            ["--kills \(kills)", "--seed \(seed)", "--partitions \(partitions)"]
            + ["--scorers \(scorers)", "--rate \(rate)"]
        let given =
            (common.config.map { ["--config \($0)"] } ?? [])
            + (common.bootstrap.map { ["--bootstrap \($0)"] } ?? [])
            + common.assignments.map { "--set \($0)" }
        return (["freshet prove"] + options + given).joined(separator: " ")
    }
}
