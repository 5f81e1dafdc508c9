import ArgumentParser
import Learning
import ModelStore
import Pipeline

/// `freshet models rebuild`: learns a version anew from the log.
struct ModelsRebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Learn a version anew from the log and compare it, or learn without some events.",
        discussion: """
            A new learner with the version's settings learns what the version has learned, in the \
            same order. Its state must have the hash of the version's: exit status 1 when not.

            With --without or --without-user it learns all that the model has learned by now, but \
            those events, and records the state as a new version, from which a running trainer \
            goes on.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The version's number, \"latest\", or an alias such as champion.")
    var version: String

    @Option(
        help: ArgumentHelp(
            "Offsets to leave out, both inclusive; may be given several times.",
            valueName: "partition:from-to"
        )
    )
    var without: [String] = []

    @Option(
        help: ArgumentHelp(
            "A user whose events to leave out; may be given several times.",
            valueName: "id"
        )
    )
    var withoutUser: [String] = []

    @Option(help: "Why, for the history.")
    var reason = ""

    @Option(
        help: ArgumentHelp("Also write the state to this safetensors file.", valueName: "file")
    )
    var output: String?

    @Option(
        help: ArgumentHelp(
            "How long to wait until a running trainer goes on from the new version.",
            valueName: "duration"
        )
    )
    var wait = TimeSpan(.seconds(10))

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let topic = effective.modelTopics.input
        let ranges = try without.map { text throws(CommandFailure) in
            try ExcludedOffsets.parse(text, topic: topic)
        }
        if let empty = withoutUser.first(where: \.isEmpty) {
            throw CommandFailure(
                .misuse,
                "--without-user \"\(empty)\" names nobody",
                remedy: "give the user's id as it is in the events"
            )
        }
        let (store, model) = try effective.storedModel()
        let chosen = try store.version(named: version, of: model)
        if ranges.isEmpty && withoutUser.isEmpty {
            try compare(try VersionRebuild(chosen, effective, store))
        } else {
            let rebuild = try RebuildWithout(chosen, effective, store)
            let certificate = try rebuild.run(
                offsets: ranges,
                users: withoutUser,
                reason: reason,
                output: output
            )
            try finish(certificate, effective, store)
        }
    }

    private func compare(_ rebuild: VersionRebuild) throws {
        let result = try rebuild.run(output: output)
        try StandardOutput.print(result, json: json, result.lines)
        guard result.isEqual == false else { return }
        throw CommandFailure(
            .failure,
            "what the log gives is not what version \(result.version) of model "
                + "\"\(result.model)\" holds",
            remedy: "see \"freshet models verify \(result.version)\"; a version learned by another "
                + "program or partly with other settings (\"freshet models show\") differs"
        )
    }

    private func finish(
        _ certificate: RebuildCertificate,
        _ effective: EffectiveConfiguration,
        _ store: ModelStore
    ) throws {
        try effective.tellControl(in: store)
        var certificate = certificate
        certificate.isTakenUp = try TrainerWait.wait(
            certificate.model,
            after: certificate.epoch,
            in: store,
            timeout: wait
        )
        try StandardOutput.print(certificate, json: json, certificate.lines)
    }
}
