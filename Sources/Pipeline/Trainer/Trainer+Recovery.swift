import Foundation
import Learning
import Logging
import ModelStore
import Streaming

extension Trainer {
    /// Takes the next epoch, restores the newest complete version, learns again what the journal
    /// holds after it, and publishes the result as the first version of the epoch.
    ///
    /// Returns false when told to stop meanwhile.
    func recover() throws(PipelineError) -> Bool {
        post()
        guard let inputs = try connect() else { return false }
        status.phase = .recovering
        guard try checkLastUpdate() else { return false }
        let epoch = try store(try modelStore.beginEpoch(model: settings.model))
        branch = try store(try modelStore.currentBranch(of: settings.model)).id
        status.recovery.finish(.updates)
        let restored = try restoreNewestVersion()
        guard try replayJournal(after: restored) else { return false }
        status.recovery.finish(.replay)
        guard try settlePositions(inputs),
            let updatesEnd = try watermarks(of: settings.updatesLog)?.end
        else { return false }
        status.recovery.finish(.positions)
        try beginPublishing(epoch: epoch, start: updatesEnd)
        try log(try source.assign(status.positions))
        status.recovery.finish(.version)
        logger.info("recovered in \(status.recovery.text)")
        return true
    }

    /// Writes the state that was recovered as the epoch's first version, and announces it.
    private func beginPublishing(epoch: Int64, start: Offset) throws(PipelineError) {
        publisher = UpdatePublisher(
            TrainerIdentity(
                model: settings.model,
                epoch: epoch,
                log: settings.updatesLog,
                modelStore: modelStore
            ),
            start: start,
            watermark: model.watermark,
            position: journalPosition
        )
        _ = model.learner.takeDelta()
        let version = try writeCheckpoint(isUrgent: true)
        let origin = try TrainerIdentity.origin(of: settings.model, in: modelStore) ?? ""
        publisher.begin(origin: origin) { identity in
            UpdateSender(identity, connection: updates, logger: logger)
        }
        try announce(version)
    }

    /// Throws when the last update on the log is not one of this store's: it must not be gone on
    /// from a store that is behind what scorers have, nor beside a trainer with another store.
    ///
    /// Nothing has been written yet. Returns false when told to stop meanwhile.
    private func checkLastUpdate() throws(PipelineError) -> Bool {
        let found = try patiently { () throws(StreamError) in
            try LastUpdate.find(
                of: settings.model,
                on: settings.updatesLog,
                in: try updates.openSource(),
                deadline: .now + LastUpdate.patience
            )
        }
        switch found {
        case nil: return false
        case .nothing: return true
        case .unknown:
            logger.warning(
                """
                the last update of model "\(settings.model)" was not found on \
                \(settings.updatesLog) in time: not checked whether the store is behind it
                """
            )
            return true
        case .update(let last):
            let epoch = try store(try modelStore.currentEpoch(model: settings.model))
            let origin = try TrainerIdentity.origin(of: settings.model, in: modelStore)
            if last.epoch <= epoch, last.origin == origin { return true }
            let store =
                "the model store \(modelStore.directory) "
                + (origin == nil ? "has no version of it" : "is at epoch \(epoch)")
            let reason =
                last.origin == origin
                ? "the store is an older copy" : "a trainer with another store wrote it"
            throw PipelineError(
                .store,
                "the last update of model \"\(settings.model)\" on \(settings.updatesLog) is "
                    + "\(last.sequence) of epoch \(last.epoch), but \(store): \(reason)",
                remedy: "use the store that wrote it, or another model.name; to go on from this "
                    + "store all the same, empty the topic and start the scorers anew"
            )
        }
    }

    /// The partitions of all inputs, once a broker answers and every topic is there; nil when told
    /// to stop before.
    private func connect() throws(PipelineError) -> [TopicPartition]? {
        var inputs: [TopicPartition] = []
        for topic in settings.inputs + [settings.updatesTopic, settings.deadLettersTopic] {
            let partitions = try patiently { () throws(StreamError) in
                try source.partitions(of: topic, timeout: .seconds(2))
            }
            guard let partitions else { return nil }
            if settings.inputs.contains(topic) { inputs += partitions }
        }
        return inputs
    }

    /// The value of a call to the log, tried again while no broker answers; nil when told to stop.
    private func patiently<Value>(
        _ call: () throws(StreamError) -> Value
    ) throws(PipelineError) -> Value? {
        try Pipeline.patiently(stop, waiting: { report(source.takeNotices()) }, call)
    }

    /// The first offset and the end of a partition's log; nil when told to stop before.
    private func watermarks(
        of partition: TopicPartition
    ) throws(PipelineError) -> (first: Offset, end: Offset)? {
        try patiently { () throws(StreamError) in
            try source.watermarks(of: partition, timeout: .seconds(2))
        }
    }

    /// Loads the newest version that the model's branch goes on from; nil when there is none.
    private func restoreNewestVersion() throws(PipelineError) -> ModelVersion? {
        let check = IntactSearch(of: settings.model, in: modelStore, logger: logger)
        // Loaded while its files are hashed: that it can be loaded is not yet to say that it is whole.
        let candidate = try store(try modelStore.newestChain(of: settings.model))
        let loaded = candidate.map { chain in
            Result { () throws(PipelineError) in try load(chain) }
        }
        status.recovery.finish(.loading)
        let intact = try store(try check.outcome())
        status.recovery.finish(.hashes)
        checkpoints.begin(after: intact ?? [])
        guard let chain = intact, let newest = chain.last else { return nil }
        if let loaded, candidate?.last?.number == newest.number {
            model = try loaded.get()
        } else {
            model = try load(chain)
            status.recovery.finish(.loading)
        }
        if (try? Model.Settings(storedText: newest.settings)) != model.settings {
            logger.warning(
                "settings differ from those of version \(newest.number)",
                metadata: ["then": "\(newest.settings)", "now": "\(model.settings.storedText)"]
            )
        }
        checkpointedPosition = newest.journalPosition
        for next in newest.nextOffsets {
            status.positions[TopicPartition(topic: next.topic, partition: next.partition)] =
                next.offset
        }
        logger.info("restored version \(newest.number): \(newest.eventCount) events learned")
        return newest
    }

    private func load(_ chain: [ModelVersion]) throws(PipelineError) -> TrainedModel<Model> {
        try TrainedModel(
            chain,
            of: modelStore,
            settings: model.settings,
            duplicateWindow: settings.duplicateWindow
        )
    }

    /// Learns again what the model's branch has learned after the restored version, in its order,
    /// and takes the positions at which the journal ends.
    ///
    /// Returns false when told to stop meanwhile.
    private func replayJournal(after restored: ModelVersion?) throws(PipelineError) -> Bool {
        let lineage = try store(
            try modelStore.lineage(of: settings.model, after: restored)
        )
        journalPosition = try store(try modelStore.journalPosition(of: settings.model))
        guard try relearn(lineage) else { return false }
        for next in try store(try modelStore.nextOffsets(of: settings.model)) {
            let partition = TopicPartition(topic: next.topic, partition: next.partition)
            status.positions[partition] = max(status.positions[partition] ?? 0, next.offset)
        }
        return true
    }

    private func relearn(_ lineage: [LineageSegment]) throws(PipelineError) -> Bool {
        guard !lineage.isEmpty else { return true }
        let rebuild = Rebuild(
            lineage,
            source: source,
            batchSize: settings.batchSize,
            stop: stop
        )
        let timer = ContinuousClock()
        var nextPost = timer.now
        var trained = model
        let outcome = try rebuild.run(into: &trained) { readCount throws(PipelineError) in
            report(source.takeNotices())
            guard timer.now >= nextPost else { return }
            status.replayedRecords = readCount
            post()
            nextPost = timer.now + .milliseconds(100)
        }
        model = trained
        guard case .complete = outcome else { return false }
        status.replayedRecords = rebuild.recordCount
        logger.info("learned \(rebuild.recordCount) records again from the journal")
        return true
    }

    /// Gives every partition a position, which the epoch's first version records.
    ///
    /// `start` is for topics that the model has never read: a partition added to one that it knows
    /// begins with its first record. Returns false when told to stop meanwhile.
    private func settlePositions(_ partitions: [TopicPartition]) throws(PipelineError) -> Bool {
        let knownTopics = Set(status.positions.keys.map(\.topic))
        for partition in partitions {
            guard let (first, end) = try watermarks(of: partition) else { return false }
            guard let position = status.positions[partition] else {
                let isEarliest = settings.start == .earliest
                status.positions[partition] =
                    isEarliest || knownTopics.contains(partition.topic) ? first : end
                continue
            }
            guard position >= first, position <= end else {
                throw PipelineError(
                    lost:
                        "model \"\(settings.model)\" has learned \(partition) up to offset \(position)",
                    first,
                    end
                )
            }
        }
        return true
    }

    /// Reads partitions that were added since the last look, from their beginning.
    func assignNewPartitions() throws(PipelineError) {
        var added = false
        for topic in settings.inputs {
            // A broker that does not answer now will answer at the next look.
            let partitions = (try? source.partitions(of: topic, timeout: .milliseconds(200))) ?? []
            for partition in partitions where status.positions[partition] == nil {
                logger.info("partition \(partition) is new")
                status.positions[partition] = 0
                added = true
            }
        }
        guard added else { return }
        try log(try source.assign(status.positions))
    }

    /// The end of each input partition now; nil when told to stop before all are known.
    func endOfInputs() throws(PipelineError) -> [TopicPartition: Offset]? {
        var ends: [TopicPartition: Offset] = [:]
        for partition in status.positions.keys.sorted() {
            guard let end = try watermarks(of: partition)?.end else { return nil }
            ends[partition] = end
        }
        return ends
    }
}

/// Looks for the newest version whose files have their hashes, on a thread of its own.
private final class IntactSearch: Sendable {
    private let result = Board<Result<[ModelVersion]?, ModelStoreError>>(.success(nil))
    private let thread: WorkerThread

    init(of model: String, in modelStore: ModelStore, logger: Logger) {
        thread = WorkerThread(name: "hashes") { [result] in
            result.post(
                Result { () throws(ModelStoreError) in
                    try modelStore.newestIntact(of: model) { damaged in
                        logger.warning(
                            "version \(damaged.version.number) is skipped: \(damaged.problem)"
                        )
                    }
                }
            )
        }
    }

    /// Its chain, once it is found; nil when there is none.
    func outcome() throws(ModelStoreError) -> [ModelVersion]? {
        thread.join()
        return try result.current.get()
    }
}
