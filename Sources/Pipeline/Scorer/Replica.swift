import Learning
import Logging
import ModelStore
import Streaming

/// A servable model and the update that its state follows.
///
/// Owned by the scorer's thread.
final class Replica<Model: ServableModel> {
    let model: Model
    let epoch: Int64
    var sequence: Int64
    var hash: String
    var version: Int64
    /// The version that it was loaded from.
    let loadedVersion: Int64
    var watermark: Int64
    /// How much of the model's journal its state has learned.
    var position: Int64
    /// Where on `model-updates` the updates after its checkpoint begin.
    let readFrom: Offset

    /// The model of a version, whose state is in these files: a whole one, then increments.
    init(_ version: ModelVersion, _ files: [SafetensorsFile]) throws(PipelineError) {
        let settings: Model.Settings
        do {
            settings = try Model.Settings(storedText: version.settings)
        } catch {
            throw PipelineError(
                .learner,
                "version \(version.number) cannot be served: \(error.message)",
                remedy: error.remedy
            )
        }
        model = try learning(try Model(settings: settings, state: files[0]))
        for increment in files.dropFirst() { try learning(try model.restore(increment)) }
        epoch = version.epoch
        sequence = version.sequence
        hash = version.updateHash
        self.version = version.number
        loadedVersion = version.number
        watermark = version.watermark
        position = version.journalPosition
        readFrom = version.updatesOffset
    }

    func stamp(model name: String) -> ModelStamp {
        ModelStamp(
            model: name,
            version: version,
            epoch: epoch,
            sequence: sequence,
            watermark: watermark,
            position: position
        )
    }
}

/// Carries a value from the thread that made it to the one that will own it.
struct Handover<Value>: @unchecked Sendable {
    // Sound because the maker gives up its only reference when it wraps the value.
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
