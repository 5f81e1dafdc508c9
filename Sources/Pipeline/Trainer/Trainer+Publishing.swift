import Foundation
import Learning
import Logging
import ModelStore
import Streaming

extension Trainer {
    /// Makes what was learned since the last call durable in the journal, then tells the scorers.
    ///
    /// The order is what makes recovery exact: rejected events are in the dead letters before the
    /// journal passes them, and the journal is durable before any update with its events is sent.
    /// While an update is being committed the next one waits, and grows, unless `all` is wanted at
    /// once.
    func publish(all: Bool = false) throws(PipelineError) {
        if !unjournalled.isEmpty {
            try flushDeadLetters()
            let ranges = unjournalled
            try store(
                try modelStore.appendJournal(
                    model: settings.model,
                    epoch: publisher.identity.epoch,
                    ranges: ranges
                )
            )
            unjournalled.removeAll(keepingCapacity: true)
        }
        if unpublishedTimestamps.count > Self.unpublishedLimit { try waitForUpdates() }
        if all || publisher.pendingCount == 0 { try sendDelta() }
        post()
    }

    /// Events that may be learned before scorers get them, while updates do not get through: 8 MB of
    /// timestamps.
    private static var unpublishedLimit: Int { 1_000_000 }

    /// Sends the rows that changed since the last time, all of whose events are in the journal.
    private func sendDelta() throws(PipelineError) {
        var delta = model.learner.takeDelta()
        if !delta.isEmpty {
            FreshnessTensors.add(unpublishedTimestamps, to: &delta)
            let payload = Self.joined(Safetensors.encode(delta, metadata: []))
            try publisher.send(
                delta: payload,
                watermark: model.watermark,
                position: journalPosition
            )
            status.deltasPublished += 1
            status.deltaBytes += Int64(payload.count)
        }
        unpublishedTimestamps.removeAll(keepingCapacity: true)
    }

    /// Waits until all updates are committed, or until told to stop.
    private func waitForUpdates() throws(PipelineError) {
        while publisher.pendingCount > 0, !stop.isSet {
            try publisher.check()
            try takeDeliveries()
            Thread.sleep(forTimeInterval: 0.005)
        }
    }

    private static func joined(_ chunks: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(chunks.reduce(0) { $0 + $1.count })
        for chunk in chunks { bytes.append(contentsOf: chunk) }
        return bytes
    }

    /// Waits for the delivery of the dead letters sent so far, as long as it takes.
    ///
    /// When told to stop meanwhile it throws after a while: what is not journalled is learned again.
    private func flushDeadLetters() throws(PipelineError) {
        try takeDeliveries()
        while deadLetters.isPending {
            _ = try log(try sink.flush(timeout: .seconds(1)))
            try takeDeliveries()
            if stop.isSet(longerThan: .seconds(10)), deadLetters.isPending {
                throw PipelineError(
                    .log,
                    "stopped while rejected events could not be written to "
                        + "\"\(settings.deadLettersTopic)\"",
                    remedy: "start again when the broker is back: nothing is lost"
                )
            }
        }
    }

    /// Copies the state and begins to write it beside the loop.
    func beginCheckpoint() throws(PipelineError) {
        try publish(all: true)
        let (tensors, makeVersion) = snapshot()
        earliestCheckpoint = ContinuousClock().now + .seconds(1)
        checkpoints.begin(tensors, makeVersion: makeVersion)
    }

    /// Copies the state and writes it before going on.
    func checkpointNow() throws(PipelineError) {
        try publish(all: true)
        try announce(try writeCheckpoint())
    }

    /// Writes the state as a version that nobody is told of yet.
    func writeCheckpoint() throws(PipelineError) -> ModelVersion {
        let (tensors, makeVersion) = snapshot()
        return try checkpoints.write(tensors, makeVersion: makeVersion)
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
            case .success(let version):
                status.checkpointFailure = nil
                try announce(version)
            case .failure(let error):
                guard error.kind != .fenced else { throw error }
                logger.error("checkpoint not written: \(error)")
                status.checkpointFailure = error.description
                owesCheckpoint = true
                post()
            }
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
        checkpointedEvents = version.eventCount
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
            "version \(version.number) published: \(version.eventCount) events learned"
        )
        post()
    }

    /// A copy of the state, and what its version is to say of it.
    private func snapshot() -> (NamedTensors, @Sendable (BlobReference) -> NewVersion) {
        let timer = ContinuousClock()
        let begin = timer.now
        let tensors = model.encode()
        let pause = (timer.now - begin) / .seconds(1)
        status.checkpointPause += pause
        let positions = status.positions.sorted { $0.key < $1.key }.map {
            OffsetPosition(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value)
        }
        let description = SnapshotDescription(
            epoch: publisher.identity.epoch,
            branch: branch,
            settings: settingsText,
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
        return (tensors, { description.version(blob: $0, settings: settings) })
    }

    /// The learner's settings as canonical JSON.
    var settingsText: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data = try? encoder.encode(model.settings)
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// Waits until all that was sent has arrived, so that nothing is lost by leaving.
    func drain() throws(PipelineError) {
        let deadline = ContinuousClock().now + .seconds(30)
        while ContinuousClock().now < deadline {
            let isDone = try log(try sink.flush(timeout: .seconds(1)))
            try takeDeliveries()
            try publisher.check()
            if isDone, publisher.pendingCount == 0 { return }
            if isDone { Thread.sleep(forTimeInterval: 0.005) }
        }
        logger.warning("the last updates were not delivered; scorers will use the store")
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

    func version(blob: BlobReference, settings trainer: TrainerSettings) -> NewVersion {
        NewVersion(
            model: trainer.model,
            epoch: epoch,
            kind: .stateful,
            blob: blob,
            base: nil,
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
