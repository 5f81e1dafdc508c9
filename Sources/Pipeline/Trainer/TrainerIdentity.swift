import Foundation
import ModelStore
import Streaming

/// Who a trainer is among all that have trained its model, and whether it still is the newest.
///
/// The store fences the trainers that share it, by epochs. Trainers with different stores, or with
/// copies of one, know of one another only through what they write to `model-updates`.
struct TrainerIdentity: Sendable {
    let model: String
    let epoch: Int64
    /// Names the store in every update; empty before the model's first version.
    var origin = ""
    /// Names this start of a trainer in every update: two with copies of one store take the same
    /// epoch.
    var trainer = UUID().uuidString
    let log: TopicPartition
    let modelStore: ModelStore

    /// A text that two stores do not share: when and with what the model's first version was made.
    ///
    /// Nil while there is no version.
    static func origin(of model: String, in modelStore: ModelStore) throws(PipelineError) -> String?
    {
        guard let first = try store(try modelStore.version(1, of: model)) else { return nil }
        let text = "\(model)\n\(first.createdAt)\n\(first.epoch)\n\(first.blob.hash)\n"
        let hash = try store(try ContentHash.sha256([Array("\(text)\(first.settings)".utf8)]))
        return String(hash.prefix(16))
    }

    /// Throws when a newer trainer has begun in the store.
    func checkEpoch() throws(PipelineError) {
        let newest = try store(try modelStore.currentEpoch(model: model))
        guard newest == epoch else { throw takenOver(by: "a trainer with epoch \(newest)") }
    }

    /// Throws when another trainer's update has come after the last of this one.
    func check(_ found: LastUpdate.Found) throws(PipelineError) {
        guard case .update(let last) = found, last.epoch >= epoch else { return }
        guard last.epoch == epoch, last.origin == origin, last.trainer == trainer else {
            throw takenOver(by: "a trainer with epoch \(last.epoch), on \(log),")
        }
    }

    private func takenOver(by other: String) -> PipelineError {
        PipelineError(
            .fenced,
            "\(other) has taken over model \"\(model)\" from this one with epoch \(epoch)",
            remedy: "run one trainer per model"
        )
    }
}
