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
