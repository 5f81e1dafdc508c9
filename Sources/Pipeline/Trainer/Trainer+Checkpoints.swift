import Foundation
import Learning
import Logging
import ModelStore
import Streaming

extension Trainer {
    /// Bytes of rows copied in one turn of the loop: a millisecond or two.
    private static var checkpointPartByteCount: Int { 2 << 20 }

    /// Updates that may wait to be sent when a checkpoint begins, which adds one or two.
    private static var pendingUpdatesLimit: Int { 4 }

    /// Goes on with the checkpoint that is being taken, a part in each turn of the loop, or begins
    /// one if it is due; the last part is taken when everything else is published.
    ///
    /// A part is taken when the one before it is on the disk. Returns whether a checkpoint was begun.
    func stepCheckpoint(isDue: Bool) throws(PipelineError) -> Bool {
        guard !checkpoints.isBusy, ContinuousClock.now >= earliestCheckpoint else { return false }
        let begins = !isTakingCheckpoint
        if begins {
            guard isDue, publisher.pendingCount < Self.pendingUpdatesLimit else { return false }
            beginCheckpoint()
        }
        if checkpoints.isPartWaiting {
            checkpoints.begin()
        } else if !isLastPartPrepared, let part = try nextCheckpointPart() {
            checkpoints.begin(adding: part)
        } else if !isLastPartPrepared, let prepare = model.prepareLastCheckpointPart() {
            isLastPartPrepared = true
            checkpoints.begin(preparing: prepare)
        } else {
            try publish(all: true)
            checkpoints.begin(
                completingWith: takeLastCheckpointPart(),
                layout: model.layout,
                describe: describeCheckpoint()
            )
        }
        return begins
    }

    private func beginCheckpoint() {
        isTakingCheckpoint = true
        // Files that there are cannot be added to.
        guard model.needsWholeCheckpoint || checkpoints.needsWhole else { return }
        model.beginWholeCheckpoint()
        checkpoints.startOver()
    }

    /// The next part; nil when it is time for the last one.
    private func nextCheckpointPart() throws(PipelineError) -> NamedTensors? {
        if let part = takeCheckpointPart() { return part }
        // Rows that wait for an update are taken once it is sent: while much is learned, many.
        try publish(all: true)
        return takeCheckpointPart()
    }

    private func takeCheckpointPart() -> NamedTensors? {
        pausing { model.takeCheckpointPart(byteCount: Self.checkpointPartByteCount) }
    }

    private func takeLastCheckpointPart() -> NamedTensors {
        isTakingCheckpoint = false
        isLastPartPrepared = false
        return pausing { model.takeLastCheckpointPart() }
    }

    /// Completes what is being taken and writes it before going on.
    func checkpointNow() throws(PipelineError) {
        try publish(all: true)
        try announce(try writeCheckpoint(isUrgent: false))
    }

    /// Writes the state as a version that nobody is told of yet.
    ///
    /// `isUrgent` says that learning waits for it.
    func writeCheckpoint(isUrgent: Bool) throws(PipelineError) -> ModelVersion {
        if !isTakingCheckpoint { beginCheckpoint() }
        while let part = takeCheckpointPart() { try checkpoints.add(part) }
        return try checkpoints.complete(
            with: takeLastCheckpointPart(),
            layout: model.layout,
            isUrgent: isUrgent,
            describe: describeCheckpoint()
        )
    }

    /// What the version of the state as it is now is to say of it.
    private func describeCheckpoint() -> CheckpointWriter.Describe {
        let positions = status.positions.sorted { $0.key < $1.key }.map {
            OffsetPosition(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value)
        }
        let description = SnapshotDescription(
            epoch: publisher.identity.epoch,
            branch: branch,
            settings: model.settings.storedText,
            journalPosition: journalPosition,
            nextOffsets: positions,
            sequence: publisher.sequence,
            updateHash: publisher.hash,
            updatesOffset: publisher.readFrom,
            watermark: model.watermark,
            eventCount: model.learner.eventCount,
            metrics: model.metrics,
            createdAt: clock.now()
        )
        let settings = settings
        return { description.version(blob: $0, base: $1, settings: settings) }
    }

    /// The value of a call that copies state while the loop waits.
    private func pausing<Value>(_ copy: () -> Value) -> Value {
        let begin = ContinuousClock.now
        defer {
            let pause = ContinuousClock.now - begin
            status.checkpointPause += pause / .seconds(1)
            if status.phase == .live { status.longestPause = max(status.longestPause, pause) }
        }
        return copy()
    }

    /// Announces the checkpoint that was begun, if it is complete, or if `wait` once it is.
    func finishCheckpoint(wait: Bool) throws(PipelineError) {
        while checkpoints.isBusy {
            guard let outcome = checkpoints.takeOutcome() else {
                guard wait else { return }
                Thread.sleep(forTimeInterval: 0.005)
                continue
            }
            switch outcome {
            case .success(nil): break
            case .success(let version?):
                status.checkpointFailure = nil
                try announce(version)
            case .failure(let error):
                guard error.kind != .fenced else { throw error }
                logger.error("checkpoint not written: \(error)")
                status.checkpointFailure = error.description
                owesCheckpoint = true
                earliestCheckpoint = ContinuousClock.now + .seconds(1)
                post()
            }
        }
    }

    /// Waits for the checkpoint that is being written, whatever becomes of it.
    func finishWriting() {
        while checkpoints.isBusy {
            if checkpoints.takeOutcome() == nil { Thread.sleep(forTimeInterval: 0.005) }
        }
    }

    /// Tells the scorers of a complete version, and lag tools how far learning is.
    func announce(_ version: ModelVersion) throws(PipelineError) {
        let announcement = CheckpointAnnouncement(
            version: version.number,
            blob: version.blob.hash,
            events: version.eventCount,
            stateSequence: version.sequence
        )
        checkpointedPosition = version.journalPosition
        owesCheckpoint = false
        try publisher.send(announcement)
        status.version = version.number
        status.versionsPublished += 1
        let positions = version.nextOffsets.map { next in
            (TopicPartition(topic: next.topic, partition: next.partition), next.offset)
        }
        do throws(StreamError) {
            try source.commit(Dictionary(uniqueKeysWithValues: positions))
        } catch {
            // The store's offsets are the truth; these serve lag tools only.
            logger.debug("offsets not committed: \(error)")
        }
        logger.info(
            """
            version \(version.number) published: \(version.eventCount) events learned; checkpoints \
            held learning up for at most \(RecoveryTimes.milliseconds(status.longestPause)) ms
            """
        )
        post()
    }
}

/// What a version says of the state it was copied from.
private struct SnapshotDescription: Sendable {
    var epoch: Int64
    var branch: Int64
    var settings: String
    var journalPosition: Int64
    var nextOffsets: [OffsetPosition]
    var sequence: Int64
    var updateHash: String
    var updatesOffset: Int64
    var watermark: Int64
    var eventCount: Int64
    var metrics: [Metric]
    var createdAt: Int64

    func version(
        blob: BlobReference,
        base: Int64?,
        settings trainer: TrainerSettings
    ) -> NewVersion {
        NewVersion(
            model: trainer.model,
            epoch: epoch,
            kind: .stateful,
            blob: blob,
            base: base,
            branch: branch,
            settings: settings,
            codeRevision: trainer.codeRevision,
            journalPosition: journalPosition,
            nextOffsets: nextOffsets,
            sequence: sequence,
            updateHash: updateHash,
            updatesOffset: updatesOffset,
            watermark: watermark,
            eventCount: eventCount,
            metrics: metrics.map { ($0.name, $0.value) },
            createdAt: createdAt
        )
    }
}
