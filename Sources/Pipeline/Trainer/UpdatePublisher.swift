import Learning
import Streaming

/// Sends the updates of one epoch, in order, and knows how far the log has taken them.
///
/// Owned by the trainer's thread.
struct UpdatePublisher {
    private let model: String
    private let log: TopicPartition
    private let sink: any RecordSink
    let epoch: Int64
    /// The newest update sent.
    private(set) var sequence: Int64 = 0
    /// Its hash.
    private(set) var hash = UpdateIdentity.noPredecessor
    /// Where on `model-updates` a scorer with the newest state reads on; what lies there may be known
    /// to it.
    private(set) var readFrom: Offset
    /// Set when an update was lost on the way: scorers need a checkpoint to go on.
    private(set) var failure: StreamError?

    init(
        model: String,
        epoch: Int64,
        log: TopicPartition,
        sink: any RecordSink,
        readFrom: Offset
    ) {
        self.model = model
        self.epoch = epoch
        self.log = log
        self.sink = sink
        self.readFrom = readFrom
    }

    /// Sends the next update.
    mutating func send(_ content: UpdateContent, watermark: Int64) throws(PipelineError) {
        sequence += 1
        let update = try ModelUpdate(
            identity: UpdateIdentity(
                model: model,
                epoch: epoch,
                sequence: sequence,
                previous: hash,
                watermark: watermark
            ),
            content: content
        )
        hash = update.hash
        for record in UpdateFormat.records(of: update, topic: log.topic, partition: log.partition) {
            try Pipeline.log(try sink.send(record, token: Token.update))
        }
    }

    /// Takes note of the delivery of a part of an update.
    mutating func delivered(_ delivery: Delivery) {
        if let error = delivery.error {
            failure = error
        } else {
            readFrom = max(readFrom, delivery.offset + 1)
        }
    }

    /// Forgets a lost update, because a checkpoint that makes up for it is on its way.
    mutating func clearFailure() { failure = nil }
}

/// What a delivery report is about.
enum Token {
    static let update: UInt64 = 1
    static let deadLetter: UInt64 = 2
    /// Answers count up from here, one token per batch of requests.
    static let firstAnswer: UInt64 = 16
}
