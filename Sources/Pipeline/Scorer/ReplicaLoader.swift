import Learning
import Logging
import ModelStore
import Synchronization

/// Loads a version on a thread of its own, so that answers go on meanwhile.
final class ReplicaLoader<Model: ServableModel>: Sendable {
    /// Which version to load.
    enum Choice {
        /// The newest intact one.
        case newest
        /// The one that an alias points to, unless that is this one.
        case target(alias: String, unless: Int64?)
    }

    private let modelStore: ModelStore
    private let modelName: String
    private let logger: Logger
    private let call = BackgroundCall<Handover<Replica<Model>>?>(threadName: "load-version")
    /// Versions whose damage was told: loads may come several times a second.
    private let toldVersions = Mutex<Set<Int64>>([])
    /// Called with a chain that was found, before its files are opened.
    private let onFound: @Sendable ([ModelVersion]) -> Void

    init(
        store: ModelStore,
        model: String,
        logger: Logger,
        onFound: @escaping @Sendable ([ModelVersion]) -> Void = { _ in }
    ) {
        modelStore = store
        modelName = model
        self.logger = logger
        self.onFound = onFound
    }

    /// Whether a version is being loaded or waits to be taken.
    var isBusy: Bool { call.isBusy }

    /// Begins to load.
    ///
    /// The loader must be idle.
    func begin(_ choice: Choice) {
        call.begin { [self] () throws(PipelineError) in try load(choice) }
    }

    /// What was loaded: nil while loading; a nil replica when there is nothing to load.
    func takeOutcome() -> Result<Handover<Replica<Model>>?, PipelineError>? { call.takeOutcome() }

    /// Loads on the calling thread.
    func load(_ choice: Choice) throws(PipelineError) -> Handover<Replica<Model>>? {
        while true {
            guard let chain = try chain(choice), let version = chain.last else { return nil }
            onFound(chain)
            var files: [SafetensorsFile] = []
            do throws(LearningError) {
                for part in chain {
                    files.append(try SafetensorsFile(path: modelStore.blobPath(part.blob)))
                }
            } catch {
                let isPruned = try store(try modelStore.version(version.number, of: modelName))?
                    .isPruned
                guard isPruned == true else { throw PipelineError(error) }
                logger.warning(
                    "version \(version.number) was pruned while it was being loaded: looking again"
                )
                continue
            }
            return Handover(try Replica(version, files))
        }
    }

    private func chain(_ choice: Choice) throws(PipelineError) -> [ModelVersion]? {
        switch choice {
        case .newest:
            return try store(
                try modelStore.newestIntact(of: modelName) { damaged in
                    let number = damaged.version.number
                    if toldVersions.withLock({ $0.insert(number).inserted }) {
                        logger.warning("version \(number) is skipped: \(damaged.problem)")
                    }
                }
            )
        case .target(let alias, let known):
            let aliases = try store(try modelStore.aliases(of: modelName))
            guard let target = aliases.first(where: { $0.name == alias })?.version else {
                throw PipelineError(
                    .store,
                    "model \"\(modelName)\" has no alias \"\(alias)\"",
                    remedy: "point it to a version, or set scorer.serve to live"
                )
            }
            guard target != known else { return nil }
            guard let version = try store(try modelStore.version(target, of: modelName)) else {
                return nil  // moved by another process since: the next look finds where
            }
            let chain = try store(try modelStore.chain(of: version))
            for part in chain { try store(try modelStore.verify(part.blob)) }
            return chain
        }
    }
}
