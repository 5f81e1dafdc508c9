import Foundation
import Learning
import Logging
import ModelStore
import Streaming
import Synchronization

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
            settings = try JSONDecoder().decode(
                Model.Settings.self,
                from: Data(version.settings.utf8)
            )
        } catch {
            throw PipelineError(
                .learner,
                "settings of version \(version.number) cannot be read: \(error)",
                remedy: "it was written by another program version: let the trainer write a new one"
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

/// Loads the newest version on a thread of its own, so that answers go on meanwhile.
final class ReplicaLoader<Model: ServableModel>: Sendable {
    private enum State {
        case idle
        case loading
        case finished(Result<Handover<Replica<Model>>?, PipelineError>)
    }

    private let modelStore: ModelStore
    private let modelName: String
    private let logger: Logger
    private let state = Mutex(State.idle)
    /// Versions whose damage was told: loads may come several times a second.
    private let toldVersions = Mutex<Set<Int64>>([])

    init(store: ModelStore, model: String, logger: Logger) {
        modelStore = store
        modelName = model
        self.logger = logger
    }

    /// Whether a version is being loaded or waits to be taken.
    var isBusy: Bool {
        state.withLock { state in
            if case .idle = state { false } else { true }
        }
    }

    /// Begins to load the newest complete version.
    ///
    /// The loader must be idle.
    func begin() {
        state.withLock { $0 = .loading }
        _ = WorkerThread(name: "load-version") { [self] in
            let outcome = Result { () throws(PipelineError) in try load() }
            state.withLock { $0 = .finished(outcome) }
        }
    }

    /// What was loaded: nil while loading; a nil replica when the model has no version yet.
    func takeOutcome() -> Result<Handover<Replica<Model>>?, PipelineError>? {
        state.withLock { state in
            guard case .finished(let outcome) = state else { return nil }
            state = .idle
            return outcome
        }
    }

    private func load() throws(PipelineError) -> Handover<Replica<Model>>? {
        while true {
            let intact = try store(
                try modelStore.newestIntact(of: modelName) { damaged in
                    let number = damaged.version.number
                    if toldVersions.withLock({ $0.insert(number).inserted }) {
                        logger.warning("version \(number) is skipped: \(damaged.problem)")
                    }
                }
            )
            guard let chain = intact, let version = chain.last else { return nil }
            var files: [SafetensorsFile] = []
            do throws(LearningError) {
                for part in chain {
                    files.append(try SafetensorsFile(path: modelStore.blobPath(part.blob)))
                }
            } catch {
                // Pruned since it was found: there is a newer one.
                let isPruned = try store(try modelStore.version(version.number, of: modelName))?
                    .isPruned
                guard isPruned == true else { throw PipelineError(error) }
                continue
            }
            return Handover(try Replica(version, files))
        }
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
