import KafkaWire
import NIOCore
import Synchronization

/// One Fetch under way: reads its partitions one after another, each on its log's thread, and
/// waits for appends until there is enough or the time is over.
///
/// A round reads everything anew. If it finds too little, the fetch waits until so many bytes were
/// appended to its partitions as were missing, or anything else happened to one of them, and runs
/// another. The state is guarded by a `Mutex`.
final class PendingFetch: Sendable {
    /// A partition that is asked for.
    struct Part: Sendable {
        var wanted: FetchRequest.Partition
        /// nil if there is no such partition.
        var partition: Partition?
    }

    /// The partitions of one topic that are asked for.
    struct Topic: Sendable {
        var name: String
        var id: UUID16
        var parts: [Part]
    }

    typealias Completion = @Sendable (FetchResponse, [ByteBuffer]) -> Void

    private let topics: [Topic]
    private let parts: [Part]
    private let fetch: FetchRequest
    private let unknownCode: ErrorCode
    private let isolation: Isolation
    private let maxBytes: Int
    /// The memory of answers on their way: slow clients must not pin all there is.
    private let answers: RequestMemory
    /// Keeps the time.
    private let loop: any EventLoop
    private let completion: Completion
    private let state = Mutex(State())

    private struct State {
        var isReading = false
        /// Whether something happened since the round under way began.
        var isDirty = false
        /// How many bytes have to be appended before it is worth reading again.
        var missing: Int64 = 0
        /// Where the fetch waits.
        var waits: [(progress: PartitionProgress, token: UInt64)] = []
        var isTimeOver = false
        var isDone = false
        var timer: Scheduled<Void>?
    }

    /// What a round has found so far.
    ///
    /// Unchecked because it is handed from each read to the next and never shared.
    fileprivate final class Round: @unchecked Sendable {
        var results: [FetchResponse.Partition] = []
        /// What was appended to each log when it was read.
        var seen: [(progress: PartitionProgress, appended: Int64)] = []
        var records: [ByteBuffer] = []
        var byteCount = 0
        var hasError = false
        private let answers: RequestMemory
        private var countedByteCount = 0

        init(_ answers: RequestMemory) { self.answers = answers }

        deinit { answers.release(countedByteCount) }

        /// Counts what was read until the connection counts the whole answer.
        func count(_ byteCount: Int) {
            self.byteCount += byteCount
            answers.reserveRegardless(byteCount)
            countedByteCount += byteCount
        }
    }

    /// The longest wait that a client can ask for.
    private static let longestWait: Int64 = 60_000

    init(
        _ topics: [Topic],
        _ fetch: FetchRequest,
        unknownCode: ErrorCode,
        maxBytes: Int,
        answers: RequestMemory,
        loop: any EventLoop,
        completion: @escaping Completion
    ) {
        self.topics = topics
        self.parts = topics.flatMap(\.parts)
        self.fetch = fetch
        self.unknownCode = unknownCode
        self.isolation = fetch.isReadCommitted ? .readCommitted : .readUncommitted
        self.maxBytes = maxBytes
        self.answers = answers
        self.loop = loop
        self.completion = completion
    }

    /// Begins to read.
    func begin() {
        let wait = min(Int64(fetch.maxWaitMilliseconds), Self.longestWait)
        if wait <= 0 || parts.isEmpty {
            state.withLock { $0.isTimeOver = true }
        } else {
            let timer = loop.scheduleTask(in: .milliseconds(wait)) { [self] in endWait() }
            state.withLock { $0.timer = timer }
        }
        wake()
    }

    /// The time is over: answers with what there is.
    func endWait() {
        state.withLock { $0.isTimeOver = true }
        wake()
    }

    /// Something happened that may let the fetch be answered: runs a round, or another one after
    /// the one under way.
    func wake() {
        let shallRead = state.withLock { state in
            guard !state.isDone else { return false }
            defer { state.isReading = true }
            if state.isReading { state.isDirty = true }
            return !state.isReading
        }
        if shallRead { beginRound() }
    }

    private func beginRound() {
        cancelWaits()
        read(0, Round(answers))
    }

    /// Reads the partitions from `start` on, then ends the round.
    private func read(_ start: Int, _ round: Round) {
        var index = start
        while index < parts.count, parts[index].partition == nil {
            let missing = parts[index].wanted.index
            round.add(FetchResponse.Partition(index: missing, errorCode: unknownCode))
            index += 1
        }
        guard index < parts.count, let partition = parts[index].partition else {
            return end(round)
        }
        let wanted = parts[index].wanted
        let next = index + 1
        let request = ReadRequest(
            offset: wanted.fetchOffset,
            maxByteCount: min(
                maxBytes - round.byteCount,
                Int(max(0, wanted.maxBytes)),
                answers.available
            ),
            minOneBatch: round.byteCount == 0,
            isolation: isolation
        )
        partition.ask(currentLeaderEpoch: wanted.currentLeaderEpoch) { [self] result in
            switch result {
            case .success(let found):
                round.seen.append((partition.progress, found.appended))
                round.add(found, index: wanted.index)
                read(next, round)
            case .failure(let code):
                // A topic that is deleted while it is asked for by id is an unknown id.
                let code = code == .unknownTopicOrPartition ? unknownCode : code
                round.add(FetchResponse.Partition(index: wanted.index, errorCode: code))
                // A refusal may come without a change of thread: do not let the stack grow.
                loop.execute { [self] in read(next, round) }
            }
        } _: { log throws(BrokerError) in
            try log.read(request)
        }
    }

    private func end(_ round: Round) {
        let minBytes = max(1, Int(fetch.minBytes))
        let isEnough = round.hasError || round.byteCount >= minBytes
        let isOver = state.withLock { state in
            state.isDone = isEnough || state.isTimeOver || fetch.minBytes <= 0
            state.isDirty = false
            state.missing = Int64(minBytes - round.byteCount)
            return state.isDone
        }
        guard !isOver else { return answer(round) }
        let waits = round.seen.map { progress, appended in
            let token = progress.wait(isolation, beyond: appended) { [self] in didAppend($0) }
            return (progress: progress, token: token)
        }
        let shallRead = state.withLock { [waits] state in
            state.isReading = state.isDirty || state.isTimeOver
            state.waits = waits
            return state.isReading
        }
        if shallRead { beginRound() }
    }

    /// Counts what was appended since the last round; reading at each append would be in vain.
    private func didAppend(_ byteCount: Int64) {
        let isEnough = state.withLock { state in
            state.missing -= min(byteCount, Int64(Int32.max))
            return state.missing <= 0
        }
        if isEnough { wake() }
    }

    private func cancelWaits() {
        let waits = state.withLock { state in
            defer { state.waits = [] }
            return state.waits
        }
        for wait in waits { wait.progress.cancelWait(wait.token) }
    }

    private func answer(_ round: Round) {
        state.withLock { $0.timer }?.cancel()
        cancelWaits()
        var response = FetchResponse()
        var rest = round.results[...]
        response.topics = topics.map { topic in
            defer { rest = rest.dropFirst(topic.parts.count) }
            return FetchResponse.Topic(
                name: topic.name,
                id: topic.id,
                partitions: Array(rest.prefix(topic.parts.count))
            )
        }
        completion(response, round.records)
    }
}

extension PendingFetch.Round {
    func add(_ failed: FetchResponse.Partition) {
        results.append(failed)
        hasError = true
    }

    func add(_ found: LogRead, index: Int32) {
        var result = FetchResponse.Partition(index: index)
        result.highWatermark = found.offsets.highWatermark
        result.lastStableOffset = found.offsets.lastStable
        result.logStartOffset = found.offsets.logStart
        result.recordByteCount = found.records.readableBytes
        result.abortedTransactions = found.abortedTransactions
        results.append(result)
        if result.recordByteCount > 0 {
            records.append(found.records)
            count(result.recordByteCount)
        }
    }
}
