import ArgumentParser
import ModelStore

/// `freshet models verify`: reads files and compares their hashes.
struct ModelsVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read the files of all versions, or of one, and compare their hashes.",
        discussion: """
            A version is intact when its own file and all those that it adds to are. The database \
            is checked first. Exit status 1 when something is damaged.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The version's number, \"latest\", or an alias; all versions if absent.")
    var version: String?

    @Flag(help: "Print a JSON object a line.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let (store, model) = try effective.storedModel()
        try store.checkDatabase()
        var check = VersionCheck(store)
        let versions =
            try version.map { [try store.version(named: $0, of: model)] }
            ?? store.versions(of: model)
        let findings = try versions.map { try check.look(at: $0) }
        let failures = findings.compactMap(\.failure)
        let shown = version == nil ? findings.filter { $0.state == .damaged } : findings
        var lines = shown.map(\.text)
        if version == nil {
            let pruned = findings.count { $0.state == .pruned }
            lines.append(
                "\(findings.count - failures.count - pruned) versions intact, "
                    + "\(failures.count) damaged, \(pruned) pruned"
            )
        }
        try StandardOutput.print(each: findings, json: json, lines)
        if let first = failures.first { throw first }
    }
}

/// Checks the files of versions, each file once.
struct VersionCheck {
    /// What was found of a version.
    struct Finding: Encodable {
        enum State: String, Encodable {
            case intact, damaged, pruned
        }

        let model: String
        let version: Int64
        let state: State
        /// What is wrong.
        let problem: String?

        /// What to tell who needs the version; nil unless it is damaged.
        var failure: CommandFailure? {
            guard state == .damaged else { return nil }
            return CommandFailure(
                .failure,
                "version \(version) of model \"\(model)\" is damaged"
                    + (problem.map { ": \($0)" } ?? ""),
                remedy:
                    "restore its file from a copy, or build its state anew with \"freshet models "
                    + "rebuild \(version) --output FILE\"; a trainer that starts skips it and learns "
                    + "what it lacks from the log"
            )
        }

        var text: String {
            "version \(version)  \(state.rawValue)" + (problem.map { "  \($0)" } ?? "")
        }
    }

    private let store: ModelStore
    private var problems: [BlobReference: String?] = [:]

    init(_ store: ModelStore) { self.store = store }

    /// Reads all files of a version that were not read before.
    mutating func look(at version: ModelVersion) throws(ModelStoreError) -> Finding {
        guard !version.isPruned else { return finding(version, .pruned, nil) }
        do throws(ModelStoreError) {
            for part in try store.chain(of: version) {
                guard let problem = try problem(of: part.blob) else { continue }
                let place = part.number == version.number ? "" : "adds to version \(part.number): "
                return finding(version, .damaged, place + problem)
            }
        } catch {
            guard error.kind == .damaged || error.kind == .missing else { throw error }
            return finding(version, .damaged, error.message)
        }
        return finding(version, .intact, nil)
    }

    private func finding(
        _ version: ModelVersion,
        _ state: Finding.State,
        _ problem: String?
    ) -> Finding {
        Finding(model: version.model, version: version.number, state: state, problem: problem)
    }

    private mutating func problem(of blob: BlobReference) throws(ModelStoreError) -> String? {
        if let known = problems[blob] { return known }
        var problem: String?
        do throws(ModelStoreError) {
            try store.verify(blob)
        } catch {
            guard error.kind == .damaged || error.kind == .missing else { throw error }
            problem = error.message
        }
        problems[blob] = .some(problem)
        return problem
    }
}
