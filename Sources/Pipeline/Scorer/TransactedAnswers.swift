// Answers exactly once, for readers of committed records. A transaction holds the answers of one or
// more batches and the offsets of their requests. Whatever goes wrong, the transaction is aborted
// and reading goes back to what the group has committed: that alone says what has been answered.
import Logging
import Streaming

/// Answers in transactions.
final class TransactedAnswers: AnswerOutlet {
    /// What the next step is to do.
    ///
    /// Each is tried again until it is done, with pauses.
    private enum State {
        /// Open a sink that takes the transactional id over.
        case opening
        /// Nothing: no transaction is open.
        case ready
        /// Commit, once it is due.
        case open
        /// Commit, now.
        case committing
        /// Abort, then rewind.
        case aborting
        /// Go back to the requests that are not answered.
        case rewinding
    }

    private let settings: ScorerSettings
    private let transactions: AnswerTransactions
    private let logger: Logger
    private var state = State.opening
    private var sink: (any TransactionalSink)?
    private(set) var counts = AnswerCounts()

    /// What the transaction holds.
    private var begun: ContinuousClock.Instant?
    private var batchCount = 0
    private var hasBacklog = false
    private var hasOffsets = false
    private var pending = AnswerCounts()
    private var positions: [TopicPartition: Offset] = [:]
    /// The first request of each partition that was read and is not known to be answered.
    private var unanswered: [TopicPartition: Offset] = [:]

    private var pause = shortestPause
    private var nextAttempt = ContinuousClock.now
    /// How long a call to the log blocks.
    private static var patience: Duration { .seconds(1) }
    private static var shortestPause: Duration { .milliseconds(50) }
    private static var longestPause: Duration { .seconds(5) }
    /// A transaction is committed when no more requests wait, and at the latest now: a bound on
    /// what it adds to an answer.
    private static var longestTransaction: Duration { .milliseconds(100) }
    private static var batchLimit: Int { 64 }

    init(_ settings: ScorerSettings, _ transactions: AnswerTransactions, logger: Logger) {
        self.settings = settings
        self.transactions = transactions
        self.logger = logger
    }

    var wantsRequests: Bool {
        switch state {
        case .ready, .open: true
        // A member of a group that is just being given a partition cannot rewind it yet.
        case .rewinding: ContinuousClock.now >= nextAttempt
        case .opening, .committing, .aborting: false
        }
    }

    var takesAnswers: Bool {
        switch state {
        case .ready, .open: true
        case .opening, .committing, .aborting, .rewinding: false
        }
    }

    func requestsMoved(_ partitions: [TopicPartition]) {
        switch state {
        case .open: state = .aborting
        // The batch that was read with this may hold requests of before.
        case .ready: state = .rewinding
        case .opening, .committing, .aborting, .rewinding: break
        }
    }

    func skip(_ spans: [TopicPartition: Range<Offset>]) {
        for (partition, span) in spans {
            unanswered[partition] = min(unanswered[partition] ?? .max, span.lowerBound)
        }
    }

    func send(_ batch: AnsweredBatch) throws(PipelineError) {
        skip(batch.spans)
        guard let sink else { return }
        do throws(StreamError) {
            if state == .ready {
                begun = .now
                state = .open
                try sink.beginTransaction()
            }
            for record in batch.records { try sink.send(record, token: Token.answer) }
            positions.merge(batch.spans.mapValues(\.upperBound)) { max($0, $1) }
            pending += batch.counts
            batchCount += 1
            hasBacklog = batch.isFull
        } catch {
            try recover(error)
        }
    }

    func step(_ requests: (any GroupSource)?) throws(PipelineError) {
        try tell()
        guard ContinuousClock.now >= nextAttempt else { return }
        do throws(StreamError) {
            switch state {
            case .opening: try open()
            case .ready: return
            case .open:
                guard isDue else { return }
                state = .committing
                try commit(requests)
            case .committing: try commit(requests)
            case .aborting: try abort()
            case .rewinding: try rewind(requests)
            }
            pause = Self.shortestPause
        } catch {
            try recover(error)
        }
    }

    func finish(_ requests: (any GroupSource)?) throws(PipelineError) {
        if state == .open { state = .committing }
        let deadline = ContinuousClock.now + .seconds(10)
        // What is left open then is aborted by the next scorer of this instance.
        while state == .committing || state == .aborting, ContinuousClock.now < deadline {
            try step(requests)
        }
    }

    private var isDue: Bool {
        guard hasBacklog, batchCount < Self.batchLimit, let begun else { return true }
        return ContinuousClock.now - begun >= Self.longestTransaction
    }

    private func open() throws(StreamError) {
        let sink = if let sink { sink } else { try transactions.openSink() }
        self.sink = sink
        try sink.initializeTransactions(timeout: Self.patience)
        forgetTransaction()
        state = unanswered.isEmpty ? .ready : .rewinding
    }

    private func commit(_ requests: (any GroupSource)?) throws(StreamError) {
        guard let sink, let requests else { return }
        if !hasOffsets {
            try sink.sendOffsets(positions, groupOf: requests, timeout: Self.patience)
            hasOffsets = true
        }
        try sink.commitTransaction(timeout: Self.patience)
        counts += pending
        unanswered = [:]
        forgetTransaction()
        state = .ready
    }

    private func abort() throws(StreamError) {
        try sink?.abortTransaction(timeout: Self.patience)
        forgetTransaction()
        state = .rewinding
    }

    private func rewind(_ requests: (any GroupSource)?) throws(StreamError) {
        try requests?.rewind(unanswered, timeout: Self.patience)
        unanswered = [:]
        state = .ready
    }

    private func forgetTransaction() {
        begun = nil
        batchCount = 0
        hasOffsets = false
        pending = AnswerCounts()
        positions = [:]
        _ = sink?.takeDeliveries()
    }

    /// Tells what the sink noticed, and lets go of deliveries: a commit waits for them all.
    private func tell() throws(PipelineError) {
        guard let sink else { return }
        for notice in sink.takeNotices() { logger.tell(notice) }
        for delivery in sink.takeDeliveries() {
            // Records of a transaction that is aborted fail too.
            guard state == .open || state == .committing, let error = delivery.error else {
                continue
            }
            // Another attempt would end alike.
            if error.kind == .configuration || error.kind == .unknownTopic {
                throw PipelineError(error)
            }
            logger.warning("an answer was not written: \(error.message)")
        }
    }

    /// Decides what to do next after an error; throws when nothing can be done here.
    private func recover(_ error: StreamError) throws(PipelineError) {
        if error.kind == .fenced { try checkInstance() }
        guard error.kind != .configuration, error.kind != .unknownTopic else {
            throw PipelineError(error)
        }
        logger.warning("requests are answered again unless that can be mended: \(error.message)")
        nextAttempt = .now + pause
        pause = min(pause * 2, Self.longestPause)
        let canRepeat = error.isRetriable && !error.needsAbort && !error.isFatal
        switch state {
        case .rewinding:
            if error.isFatal { throw PipelineError(error) }
        case .opening where !canRepeat && !error.isUnanswered:
            sink = nil
        case .committing where canRepeat, .aborting where canRepeat, .opening:
            break
        case .ready, .open, .committing:
            state = .aborting
            if error.isFatal { renew() }
        case .aborting:
            // librdkafka cannot always abort (its issue 4849).
            renew()
        }
    }

    private func renew() {
        sink = nil
        state = .opening
    }

    /// Throws when another scorer has the transactional id.
    ///
    /// A broker also calls a sink fenced whose transaction lasted too long: it has aborted it. No
    /// other instance is needed for that, but as much time as a transaction may last.
    private func checkInstance() throws(PipelineError) {
        if let begun, ContinuousClock.now - begun >= transactions.timeout * 0.9 { return }
        throw PipelineError(
            .fenced,
            "another scorer of the group has begun to answer as instance "
                + "\"\(transactions.instance)\"",
            remedy: "give each scorer its own scorer.instance, and start this one again"
        )
    }
}
