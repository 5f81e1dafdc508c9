import Learning
import Streaming

/// Numbers the updates of one epoch and hands them to their sender.
///
/// Owned by the trainer's thread.
struct UpdatePublisher {
    private(set) var identity: TrainerIdentity
    /// Nil until the epoch's first version is complete.
    private var sender: UpdateSender?
    /// The newest update sent.
    private(set) var sequence: Int64 = 0
    /// Its hash.
    private(set) var hash = UpdateIdentity.noPredecessor
    /// The watermark and the journal position of the state after it.
    private var watermark: Int64
    private var position: Int64
    private let start: Offset

    /// A publisher whose epoch begins with a state.
    ///
    /// `start` is the end of the log, where the epoch's updates will come.
    init(
        _ identity: TrainerIdentity,
        start: Offset,
        watermark: Int64,
        position: Int64
    ) {
        self.identity = identity
        self.start = start
        self.watermark = watermark
        self.position = position
    }

    /// Begins to send, through what `makeSender` opens, under the origin that the store now has.
    mutating func begin(origin: String, makeSender: (TrainerIdentity) -> UpdateSender) {
        identity.origin = origin
        sender = makeSender(identity)
    }

    /// Where on `model-updates` a scorer with the newest state reads on; what lies there may be known
    /// to it.
    var readFrom: Offset { max(start, sender?.readFrom ?? 0) }

    /// Updates that are not committed yet.
    var pendingCount: Int { sender?.pendingCount ?? 0 }

    /// Why updates are not getting through at the moment; nil when they are.
    var trouble: String? { sender?.trouble }

    /// Throws when nothing more can be sent.
    func check() throws(PipelineError) { try sender?.check() }

    /// Sends changed rows, which make the state that of a watermark and a journal position.
    mutating func send(
        delta payload: [UInt8],
        watermark: Int64,
        position: Int64
    ) throws(PipelineError) {
        self.watermark = watermark
        self.position = position
        try send(.delta(payload))
    }

    /// Tells of a version that is complete; the state stays that of the last delta.
    mutating func send(_ announcement: CheckpointAnnouncement) throws(PipelineError) {
        try send(.checkpoint(announcement))
    }

    private mutating func send(_ content: UpdateContent) throws(PipelineError) {
        sequence += 1
        let update = try ModelUpdate(
            identity: UpdateIdentity(
                model: identity.model,
                epoch: identity.epoch,
                sequence: sequence,
                previous: hash,
                watermark: watermark,
                position: position
            ),
            content: content,
            origin: identity.origin,
            trainer: identity.trainer
        )
        hash = update.hash
        sender?.submit(update)
    }

    /// Gives up what is not committed.
    func close() { sender?.close() }
}

/// What a delivery report is about.
enum Token {
    static let update: UInt64 = 1
    static let deadLetter: UInt64 = 2
    static let answer: UInt64 = 3
    /// Answers outside transactions count up from here, one token per batch of requests.
    static let firstAnswer: UInt64 = 16
}
