import Learning
import Logging

/// Serves the version that an alias points to, and moves with the alias.
///
/// The store is looked at once a second, on another thread. A target that cannot be loaded leaves
/// the version before it answering.
struct AliasFollower<Model: ServableModel>: Follower {
    private let alias: String
    private let loader: ReplicaLoader<Model>
    private let clock: WallClock
    private let logger: Logger
    private(set) var serving: Replica<Model>?
    private var nextLook = ContinuousClock.now
    private var status = ScorerStatus()
    /// Why the last look failed; nil when it did not.
    private var problem: PipelineError?
    /// When the version that answers began to, in milliseconds since 1970.
    private var changed: Int64?

    init(alias: String, loader: ReplicaLoader<Model>, clock: WallClock, logger: Logger) {
        self.alias = alias
        self.loader = loader
        self.clock = clock
        self.logger = logger
    }

    mutating func step() {
        if let outcome = loader.takeOutcome() { take(outcome) }
        guard !loader.isBusy, ContinuousClock.now >= nextLook else { return }
        nextLook = .now + .seconds(1)
        loader.begin(.target(alias: alias, unless: serving?.loadedVersion))
    }

    private mutating func take(_ outcome: Result<Handover<Replica<Model>>?, PipelineError>) {
        switch outcome {
        case .failure(let error):
            if problem != error {
                let still = serving.map { "version \($0.version) goes on answering" }
                logger.error("alias \"\(alias)\": \(error); \(still ?? "nothing answers")")
            }
            problem = error
        case .success(let handover):
            problem = nil
            guard let replica = handover?.value else { return }
            serving = replica
            changed = clock.now()
            status.loads += 1
            status.versionsPickedUp += 1
            logger.info("alias \"\(alias)\" points to version \(replica.version): it answers")
        }
    }

    func currentStatus() -> ScorerStatus {
        var status = status
        status.isFollowing = problem == nil && serving != nil
        if let changed { status.age = .milliseconds(max(0, clock.now() - changed)) }
        if let serving { status.show(serving) }
        return status
    }
}
