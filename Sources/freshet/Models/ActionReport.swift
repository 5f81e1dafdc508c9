import ModelStore

/// What an operator did, for people and for scripts.
struct ActionReport: Encodable {
    let model: String
    let action: String
    let version: Int64
    let alias: String?
    let previous: Int64?
    private(set) var branch: Int64?
    private(set) var epoch: Int64?
    let reason: String
    let at: Int64
    /// Whether a running trainer goes on from it; nil where no trainer has to.
    var isTakenUp: Bool?

    private enum CodingKeys: String, CodingKey {
        case model, action, version, alias, previous, branch, epoch, reason, at
        case isTakenUp = "takenUp"
    }

    init(_ action: OperatorAction, of model: String) {
        self.model = model
        self.action = action.kind.rawValue
        version = action.version
        alias = action.alias
        previous = action.previous
        branch = action.branch
        epoch = action.epoch
        reason = action.reason
        at = action.at
    }

    /// The action as topic `control` tells it: branch and epoch are the store's own.
    var controlEvent: ActionReport {
        var event = self
        (event.branch, event.epoch) = (nil, nil)
        return event
    }

    /// A row of the history.
    var row: [String] {
        [
            VersionDescription.time(at), action, "\(version)", previous.map(String.init) ?? "-",
            alias ?? "-", branch.map(String.init) ?? "-", reason,
        ]
    }

    /// The report of one action.
    var lines: [String] {
        let left = previous.map { ", was at version \($0)" } ?? ""
        let what =
            alias.map { "alias \($0) of model \(model) points at version \(version)" + left }
            ?? "model \(model) learns on from version \(version)" + left
        return [what] + (isTakenUp.map { [TrainerWait.text($0)] } ?? [])
    }

    /// Prints it.
    func write(json: Bool) throws {
        try StandardOutput.print(self, json: json, lines)
    }
}

extension ModelStore {
    /// What an operator did to the model last; there must be something.
    func newestAction(of model: String) throws -> OperatorAction {
        guard let action = try actions(of: model).last else {
            throw CommandFailure(
                .failure,
                "nothing is recorded of what operators did to model \"\(model)\"",
                remedy: "this was not expected; please report it"
            )
        }
        return action
    }
}
