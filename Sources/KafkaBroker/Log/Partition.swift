import KafkaWire

/// Names a partition: a topic by its id, never by its name, and a number.
struct PartitionID: Hashable, Sendable, CustomStringConvertible {
    var topic: UUID16
    var index: Int32

    /// The topic's id in hexadecimal, as its directory is called, and the number.
    var description: String { "\(Self.directoryName(topic))-\(index)" }

    /// The name of a topic's directory: 32 hexadecimal digits, safe as a path component.
    static func directoryName(_ topic: UUID16) -> String {
        let digits = Array("0123456789abcdef")
        return String(topic.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

/// An open partition: the way to its log from any thread.
///
/// The log itself lives on an executor's thread; what is asked of it is a job there, and answers
/// come on that thread or on a disk thread. Neither may be blocked.
final class Partition: Sendable {
    let id: PartitionID
    /// The epoch that its new batches get.
    let leaderEpoch: Int32
    /// What can be known and waited for without a job.
    let progress: PartitionProgress
    private let executor: LogExecutor
    // Only touched by jobs of the executor.
    nonisolated(unsafe) private let log: PartitionLog

    /// Takes over a log; must be called on the executor's thread.
    init(_ log: PartitionLog, executor: LogExecutor) {
        id = log.id
        leaderEpoch = log.leaderEpoch
        progress = log.progress
        self.executor = executor
        self.log = log
        log.runLater = { [weak self] body in _ = self?.perform(isReply: true, body) }
    }

    /// The log's offsets at this moment, without waiting.
    var offsets: LogOffsets { progress.offsets }

    /// Why batches are refused; nil if they are not.
    var failure: BrokerError? { progress.failure }

    /// Has something done with the log, on its thread, after everything that was asked before.
    ///
    /// - Parameters:
    ///   - isReply: Whether it was caused by an earlier job: then a full queue takes it too.
    ///   - body: What to do; it must not block, and not keep the log.
    /// - Returns: Whether it will be done: false if too much is waiting, or the log is closed.
    func perform(
        isReply: Bool = false,
        _ body: @escaping @Sendable (PartitionLog) -> Void
    ) -> Bool {
        executor.submit(isReply: isReply) { [self] in body(log) }
    }

    private func ask<Value: Sendable>(
        currentLeaderEpoch: Int32 = -1,
        _ completion: @escaping @Sendable (Result<Value, ErrorCode>) -> Void,
        _ body: @escaping @Sendable (PartitionLog) throws(BrokerError) -> Value
    ) {
        let isAccepted = perform { log in
            if let error = log.check(currentLeaderEpoch: currentLeaderEpoch) {
                return completion(.failure(error))
            }
            do throws(BrokerError) {
                completion(.success(try body(log)))
            } catch {
                if error.kind == .storage { log.environment.report(error) }
                completion(.failure(error.errorCode))
            }
        }
        if !isAccepted { completion(.failure(.kafkaStorageError)) }
    }
}

/// The usual requests. Each completion is called exactly once.
extension Partition {
    /// Appends a batch; see `PartitionLog.append`.
    func append(
        _ request: AppendRequest,
        _ completion: @escaping @Sendable (Result<AppendedBatch, AppendFailure>) -> Void
    ) {
        let isAccepted = perform { $0.append(request, completion) }
        if !isAccepted {
            completion(.failure(AppendFailure(.kafkaStorageError, "the broker is overloaded")))
        }
    }

    /// Reads whole batches; see `PartitionLog.read`.
    func read(
        _ request: ReadRequest,
        _ completion: @escaping @Sendable (Result<LogRead, ErrorCode>) -> Void
    ) {
        ask(currentLeaderEpoch: request.currentLeaderEpoch, completion) {
            log throws(BrokerError) in try log.read(request)
        }
    }

    /// Finds a record by its time; see `PartitionLog.find`.
    func find(
        _ query: TimestampQuery,
        isolation: Isolation = .readUncommitted,
        currentLeaderEpoch: Int32 = -1,
        _ completion: @escaping @Sendable (Result<TimestampedOffset?, ErrorCode>) -> Void
    ) {
        ask(currentLeaderEpoch: currentLeaderEpoch, completion) {
            log throws(BrokerError) in try log.find(query, isolation)
        }
    }

    /// Finds where an epoch ends; see `LeaderEpochs.end`.
    func end(
        ofEpoch epoch: Int32,
        currentLeaderEpoch: Int32 = -1,
        _ completion: @escaping @Sendable (Result<EpochEnd, ErrorCode>) -> Void
    ) {
        ask(currentLeaderEpoch: currentLeaderEpoch, completion) { log in
            let end = log.offsets.highWatermark
            return log.epochs.end(of: epoch, current: log.leaderEpoch, endOffset: end)
        }
    }

    /// Hides all records before an offset; see `PartitionLog.deleteRecords`.
    func deleteRecords(
        before offset: Int64,
        _ completion: @escaping @Sendable (Result<Int64, ErrorCode>) -> Void
    ) {
        let isAccepted = perform { $0.deleteRecords(before: offset, completion) }
        if !isAccepted { completion(.failure(.kafkaStorageError)) }
    }

    /// Lets a producer write transactionally; see `PartitionLog.beginTransaction`.
    func beginTransaction(
        producerID: Int64,
        epoch: Int16,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        let isAccepted = perform { log in
            completion(log.beginTransaction(producerID: producerID, epoch: epoch))
        }
        if !isAccepted { completion(.kafkaStorageError) }
    }

    /// Ends a producer's transaction; see `PartitionLog.endTransaction`.
    func endTransaction(
        _ marker: TransactionMarker,
        onlyIfOpen: Bool,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        let isAccepted = perform(isReply: true) { log in
            log.endTransaction(marker, onlyIfOpen: onlyIfOpen, completion)
        }
        if !isAccepted { completion(.kafkaStorageError) }
    }

    /// The producers that the log remembers.
    func describeProducers(
        _ completion: @escaping @Sendable (Result<[ActiveProducer], ErrorCode>) -> Void
    ) {
        ask(completion) { $0.describeProducers() }
    }
}
