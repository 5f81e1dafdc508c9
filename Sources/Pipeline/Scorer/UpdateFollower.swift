// Keeps a replica in step with its trainer: newest checkpoint, then every delta. When an update is
// missing, damaged or from another epoch, the newest checkpoint is loaded beside, and the last good
// state answers until the new one is at least as new. Owned by the scorer's thread.
import Learning
import Logging
import Streaming

struct UpdateFollower<Model: ServableModel>: Follower {
    private let modelName: String
    private let log: TopicPartition
    private let source: any RecordSource
    private let loader: ReplicaLoader<Model>
    private let clock: WallClock
    private let logger: Logger

    /// The replica that answers; nil until the first version is loaded.
    private(set) var serving: Replica<Model>?
    /// The replica that updates go to; the one that answers, unless that is ahead of it.
    private var following: Replica<Model>?
    private var assembler = UpdateAssembler()
    private var freshness = FreshnessMeter()
    private var nextLoad = ContinuousClock().now
    /// The least time between two loads: a store without a version is asked this often.
    private static var shortestLoadInterval: Duration { .milliseconds(250) }
    /// And at most this seldom, after loads that brought nothing new.
    private static var longestLoadInterval: Duration { .seconds(4) }
    private var loadInterval = Self.shortestLoadInterval
    private var needsLoad = true
    private var status = ScorerStatus()
    /// When the replica that answers last changed, in milliseconds since 1970.
    private var changed: Int64?
    /// The newest epoch whose late updates were told.
    private var toldZombie: Int64 = 0
    private var nextAgeReport = ContinuousClock().now
    private static var ageReportInterval: Duration { .seconds(30) }

    init(
        settings: ScorerSettings,
        source: any RecordSource,
        loader: ReplicaLoader<Model>,
        clock: WallClock,
        logger: Logger
    ) {
        modelName = settings.model
        log = settings.updatesLog
        self.source = source
        self.loader = loader
        self.clock = clock
        self.logger = logger
    }

    /// Reads and applies the updates that are there.
    ///
    /// Does not wait.
    mutating func step() throws(PipelineError) {
        try finishLoad()
        if needsLoad, !loader.isBusy, ContinuousClock().now >= nextLoad {
            nextLoad = ContinuousClock().now + loadInterval
            loader.begin(.newest)
        }
        tellAge()
        guard following != nil, !needsLoad else { return }
        // One update at a time, for a bounded time: answers do not wait for a long catching up.
        let deadline = ContinuousClock().now + .milliseconds(2)
        repeat {
            guard try followNext() else { return }
        } while !needsLoad && ContinuousClock().now < deadline
    }

    /// Reads and applies one record of the log; false when there is none.
    private mutating func followNext() throws(PipelineError) -> Bool {
        let batch: RecordBatch
        do throws(StreamError) {
            batch = try source.poll(maximumCount: 1, timeout: .zero)
        } catch {
            guard error.kind == .offsetOutOfRange else { throw PipelineError(error) }
            try skipMissing()
            return false
        }
        report(source.takeNotices())
        guard !batch.records.isEmpty else { return false }
        follow(0, of: batch)
        return true
    }

    /// Reads on where the log begins or ends when it no longer holds the updates after a version.
    ///
    /// Those that are missing show as a gap when the next one comes.
    private func skipMissing() throws(PipelineError) {
        guard let following else { return }
        do throws(StreamError) {
            let (first, end) = try source.watermarks(of: log, timeout: .seconds(1))
            try source.assign([log: min(max(following.readFrom, first), end)])
            logger.notice("\(log) no longer holds the updates after version \(following.version)")
        } catch {
            guard error.isTransient else { throw PipelineError(error) }
        }
    }

    private func report(_ notices: [StreamNotice]) {
        for case .warning(let text) in notices { logger.warning("\(text)") }
    }

    private mutating func finishLoad() throws(PipelineError) {
        guard let outcome = loader.takeOutcome() else { return }
        switch outcome {
        case .failure(let error):
            logger.error("the newest version cannot be loaded: \(error)")
        case .success(nil):
            logger.debug("model \"\(modelName)\" has no version yet")
        case .success(let handover?):
            let replica = handover.value
            slowDown(afterLoading: replica)
            following = replica
            needsLoad = false
            status.loads += 1
            assembler = UpdateAssembler()
            try Pipeline.log(try source.assign([log: replica.readFrom]))
            logger.info("loaded version \(replica.version) of \"\(modelName)\"")
            serveIfNewer()
        }
    }

    /// Loads less and less often while the store has nothing newer than what was loaded before.
    private mutating func slowDown(afterLoading replica: Replica<Model>) {
        guard let following, following.loadedVersion == replica.loadedVersion else {
            loadInterval = Self.shortestLoadInterval
            return
        }
        if loadInterval == Self.shortestLoadInterval {
            logger.warning(
                "the store has nothing newer than version \(replica.version): is it the trainer's?"
            )
        }
        loadInterval = min(loadInterval * 2, Self.longestLoadInterval)
    }

    /// Lets the replica that is followed answer once it is not older than the one that does.
    private mutating func serveIfNewer() {
        guard let following, serving !== following else { return }
        if let serving, (following.epoch, following.sequence) < (serving.epoch, serving.sequence) {
            return
        }
        if (serving?.version ?? 0) < following.version { status.versionsPickedUp += 1 }
        if serving?.epoch != following.epoch || serving?.sequence != following.sequence {
            changed = clock.now()
        }
        serving = following
    }

    private mutating func follow(_ index: Int, of batch: borrowing RecordBatch) {
        let record = batch.records[index]
        guard let key = record.key, key.elementsEqual(modelName.utf8) else { return }
        let update: ModelUpdate?
        do throws(PipelineError) {
            let part = try UpdatePart(
                key: Array(key),
                headers: batch.headers(at: index),
                payload: record.value.map(Array.init) ?? []
            )
            // Parts of a trainer that was replaced may lie between those of the one that follows.
            guard part.identity.epoch >= following?.epoch ?? 0 else {
                noteZombie(part.identity, at: record.offset)
                return
            }
            update = try assembler.add(part)
        } catch {
            // Were it a real update, the next one will show the gap.
            status.faults.damaged += 1
            logger.warning("damaged update at \(log) offset \(record.offset), skipped: \(error)")
            return
        }
        guard let update else { return }
        do throws(PipelineError) {
            try apply(update)
        } catch {
            status.faults.refused += 1
            heal("refused update at \(log) offset \(record.offset): \(error)")
        }
    }

    private mutating func noteZombie(_ identity: UpdateIdentity, at offset: Offset) {
        status.faults.zombies += 1
        guard identity.epoch > toldZombie else { return }
        toldZombie = identity.epoch
        logger.notice(
            "zombie at \(log) offset \(offset), ignored: epoch \(identity.epoch) has been replaced"
        )
    }

    private mutating func apply(_ update: ModelUpdate) throws(PipelineError) {
        guard let replica = following else { return }
        let identity = update.identity
        switch UpdateOrder(update, after: replica.epoch, replica.sequence, replica.hash) {
        case .takeover:
            heal("a trainer with epoch \(identity.epoch) has taken over from \(replica.epoch)")
            return
        case .duplicate:
            status.faults.duplicates += 1
            logger.debug("duplicate of update \(identity.sequence), ignored")
            return
        case .rival:
            status.faults.wrongPredecessors += 1
            logger.warning("update \(identity.sequence) came twice, with different histories")
            return
        case .gap:
            status.faults.gaps += 1
            heal("gap: after update \(replica.sequence) came \(identity.sequence)")
            return
        case .wrongPredecessor:
            status.faults.wrongPredecessors += 1
            heal("wrong predecessor: update \(identity.sequence) follows another than ours")
            return
        case .next: break
        }
        switch update.content {
        case .delta(let payload): try apply(payload, to: replica, identity)
        case .checkpoint(let announcement):
            if announcement.version > replica.version { status.versionsPickedUp += 1 }
            replica.version = announcement.version
        }
        replica.sequence = identity.sequence
        replica.hash = update.hash
        replica.watermark = identity.watermark
        replica.position = identity.position
        if serving === replica { changed = clock.now() }
        serveIfNewer()
    }

    private mutating func apply(
        _ payload: [UInt8],
        to replica: Replica<Model>,
        _ identity: UpdateIdentity
    ) throws(PipelineError) {
        var delta = try learning(try Safetensors.decode(payload).tensors)
        let events = try learning(try FreshnessTensors.take(from: &delta))
        try learning(try replica.model.apply(delta))
        status.deltasApplied += 1
        freshness.record(
            events,
            epoch: identity.epoch,
            sequence: identity.sequence,
            now: clock.now()
        )
    }

    /// Says now and then how old the state is that answers while no newer one can be had.
    private mutating func tellAge() {
        guard let serving, needsLoad || serving !== following else { return }
        guard ContinuousClock().now >= nextAgeReport, let age else { return }
        nextAgeReport = ContinuousClock().now + Self.ageReportInterval
        logger.warning(
            "update \(serving.sequence) of epoch \(serving.epoch) goes on answering, \(age) old"
        )
    }

    private var age: Duration? {
        changed.map { .milliseconds(max(0, clock.now() - $0)) }
    }

    private mutating func heal(_ reason: String) {
        logger.notice("reloading the newest version: \(reason)")
        needsLoad = true
    }

    /// What the follower has seen, without the counts of requests.
    func currentStatus() -> ScorerStatus {
        var status = status
        status.freshness = freshness.summary
        status.isFollowing = serving != nil && !needsLoad && serving === following
        status.age = age
        if let serving { status.show(serving) }
        return status
    }
}
