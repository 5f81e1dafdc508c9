import Foundation
import Learning
import ModelStore

/// Waits until a running trainer has taken up what an operator did.
enum TrainerWait {
    /// Whether a trainer has taken an epoch after `epoch` and has written a version on the model's
    /// branch, and so goes on from what the operator made of the model.
    static func hasTakenUp(_ model: String, after epoch: Int64, in store: ModelStore) throws -> Bool
    {
        guard try store.currentEpoch(model: model) > epoch,
            case .trainer = try store.epochTaker(of: model)
        else { return false }
        let branch = try store.currentBranch(of: model).id
        return try store.versions(of: model).contains { $0.branch == branch && $0.epoch > epoch }
    }

    /// Waits for that, and returns whether it came within `timeout`.
    static func wait(
        _ model: String,
        after epoch: Int64,
        in store: ModelStore,
        timeout: TimeSpan
    ) throws -> Bool {
        let deadline = ContinuousClock.now + timeout.duration
        while true {
            if try hasTakenUp(model, after: epoch, in: store) { return true }
            guard ContinuousClock.now < deadline else { return false }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    /// The outcome for people.
    static func text(_ isTakenUp: Bool) -> String {
        isTakenUp
            ? "a running trainer has taken it up and goes on from it"
            : "no trainer has taken it up yet: a running one does within seconds, else the next one "
                + "that starts"
    }
}
