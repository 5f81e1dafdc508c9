import Dispatch
import Foundation
import KafkaWire
import Logging
import Synchronization

/// All logs of a data directory, and the threads that they run on.
///
///     <data>/t/<topic id>/<partition>/00000000000000000000.log   .idx   .snap   checkpoint
///     <data>/quarantine/<topic id>-<partition>-<n>/
///
/// Whoever makes one has locked the data directory before, and calls `close` at the end. Topics are
/// opened one by one, by id. All completions come on a log's or a disk thread and must not block.
final class LogDirectory: Sendable {
    private struct State {
        var topics: [UUID16: [Partition]] = [:]
        var isClosed = false
    }

    private let path: String
    private let executors: [LogExecutor]
    private let environment: LogEnvironment
    private let state = Mutex(State())

    /// The ending of the directory of a topic that is being removed.
    static let deletedEnding = ".deleted"

    /// Makes the directories and starts the threads; removes what deleted topics left behind.
    ///
    /// - Parameters:
    ///   - url: The data directory.
    ///   - settings: How to run the logs.
    ///   - logger: Where to report damage.
    ///   - files: The operations on files.
    ///   - now: The time in milliseconds since 1970.
    /// - Throws: `BrokerError` if the directory cannot be used.
    init(
        url: URL,
        settings: LogDirectorySettings = LogDirectorySettings(),
        logger: Logger,
        files: any LogFiles = SystemLogFiles(),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) throws(BrokerError) {
        path = url.path + "/t"
        if try FileSystem.makeDirectory(path) { try FileSystem.synchronizeDirectory(url.path) }
        for name in try FileSystem.names(in: path) where name.hasSuffix(Self.deletedEnding) {
            try FileSystem.removeTree(path + "/" + name)
        }
        environment = LogEnvironment(
            path: url.path,
            settings: settings,
            files: files,
            logger: logger,
            now: now
        )
        executors = (0..<max(1, settings.executorCount)).map {
            LogExecutor(name: "log-\($0)", capacity: settings.queueCapacity)
        }
        environment.every(settings.retentionCheckMilliseconds) { [weak self] in
            self?.removeExpiredSegments()
        }
    }

    /// An open partition; nil if there is none of this number.
    func partition(_ index: Int32, of topic: UUID16) -> Partition? {
        let partitions = partitions(of: topic)
        return partitions.indices.contains(Int(index)) ? partitions[Int(index)] : nil
    }

    /// All open partitions of a topic, in order.
    func partitions(of topic: UUID16) -> [Partition] {
        state.withLock { $0.topics[topic] ?? [] }
    }

    /// Finds the transactions that are open in any log; the completion comes on any thread.
    func findOpenTransactions(_ completion: @escaping @Sendable ([OpenTransaction]) -> Void) {
        onEach(openPartitions, else: []) { log, done in
            done(log.openTransactions)
        } completion: {
            completion(Array($0.joined()))
        }
    }

    private var openPartitions: [Partition] { state.withLock { Array($0.topics.values.joined()) } }

    private func directory(of topic: UUID16) -> String {
        path + "/" + PartitionID.directoryName(topic)
    }
}

/// Opening.
extension LogDirectory {
    /// Opens the logs of a topic, and makes those that are missing; for a topic that is open, those
    /// of its new partitions.
    ///
    /// - Parameters:
    ///   - topic: The topic's id.
    ///   - partitionCount: How many partitions it has.
    ///   - leaderEpoch: The epoch that new batches get.
    ///   - settings: How its logs behave.
    ///   - completion: Called once, when the logs can be used and are on stable storage.
    func open(
        topic: UUID16,
        partitionCount: Int32,
        leaderEpoch: Int32,
        settings: LogSettings,
        _ completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        let missing = state.withLock { state -> Range<Int32>? in
            let first = Int32(state.topics[topic]?.count ?? 0)
            return state.isClosed ? nil : first..<max(first, partitionCount)
        }
        guard let missing else { return completion(.failure(Self.closed)) }
        environment.onDisk { [self] in
            do throws(BrokerError) {
                try makeDirectories(topic, missing)
            } catch {
                return completion(.failure(error))
            }
            let gather = Gather<Result<Partition, BrokerError>>(missing.count) { [self] results in
                completion(
                    Result { () throws(BrokerError) in
                        var partitions: [Partition] = []
                        for result in results { partitions.append(try result.get()) }
                        state.withLock { $0.topics[topic, default: []] += partitions }
                    }
                )
            }
            for (position, index) in missing.enumerated() {
                let id = PartitionID(topic: topic, index: index)
                let executor = executors[
                    Int((topic.low &+ UInt64(index)) % UInt64(executors.count))
                ]
                let isAccepted = executor.submit(isReply: true) { [self] in
                    gather.set(
                        position,
                        Result { () throws(BrokerError) in
                            try open(id, leaderEpoch, settings, executor)
                        }
                    )
                }
                if !isAccepted { gather.set(position, .failure(Self.closed)) }
            }
        }
    }

    private static let closed = BrokerError(
        .closed,
        "the broker is stopping",
        remedy: "try again when it has started"
    )

    private func makeDirectories(_ topic: UUID16, _ missing: Range<Int32>) throws(BrokerError) {
        let directory = directory(of: topic)
        let isNew = try FileSystem.makeDirectory(directory)
        var hasNew = false
        for index in missing where try FileSystem.makeDirectory("\(directory)/\(index)") {
            hasNew = true
        }
        if hasNew { try FileSystem.synchronizeDirectory(directory) }
        if isNew { try FileSystem.synchronizeDirectory(path) }
    }

    /// Opens one log; on its thread.
    private func open(
        _ id: PartitionID,
        _ leaderEpoch: Int32,
        _ settings: LogSettings,
        _ executor: LogExecutor
    ) throws(BrokerError) -> Partition {
        let recovered = try LogRecovery(
            id,
            directory: "\(directory(of: id.topic))/\(id.index)",
            environment: environment,
            openFiles: executor.openFiles
        )
        let log = PartitionLog(
            recovered,
            leaderEpoch: leaderEpoch,
            settings: settings,
            executor: executor
        )
        return Partition(log, executor: executor)
    }
}

/// Removing, closing.
extension LogDirectory {
    /// Removes a topic's logs.
    ///
    /// Whoever waits for them is told that there is no such topic.
    ///
    /// - Parameters:
    ///   - topic: The topic's id.
    ///   - completion: Called once the logs cannot come back, also not after a crash; their files
    ///     go after that.
    func remove(
        _ topic: UUID16,
        _ completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        let partitions = state.withLock { $0.topics.removeValue(forKey: topic) } ?? []
        onEach(partitions, else: ()) { log, done in
            log.markDeleted()
            done(())
        } completion: { [self] _ in
            environment.onDisk { [self] in removeDirectory(of: topic, completion) }
        }
    }

    /// Has something done with each of some logs, on its thread, also if its queue is full.
    ///
    /// - Parameters:
    ///   - partitions: The logs.
    ///   - refusal: What counts as the result of a log whose thread has ended.
    ///   - body: What to do; calls the closure that it is given once, with the result.
    ///   - completion: Called once with all results.
    private func onEach<Value: Sendable>(
        _ partitions: [Partition],
        else refusal: Value,
        _ body: @escaping @Sendable (PartitionLog, @escaping @Sendable (Value) -> Void) -> Void,
        completion: @escaping @Sendable ([Value]) -> Void
    ) {
        let gather = Gather<Value>(partitions.count, completion: completion)
        for (position, partition) in partitions.enumerated() {
            let isAccepted = partition.perform(isReply: true) { log in
                body(log) { gather.set(position, $0) }
            }
            if !isAccepted { gather.set(position, refusal) }
        }
    }

    private func removeDirectory(
        of topic: UUID16,
        _ completion: @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        let directory = directory(of: topic)
        let condemned = directory + Self.deletedEnding
        do throws(BrokerError) {
            if FileSystem.byteCount(of: directory) != nil {
                try FileSystem.rename(directory, to: condemned)
                try FileSystem.synchronizeDirectory(path)
            }
        } catch {
            return completion(.failure(error))
        }
        completion(.success(()))
        do throws(BrokerError) {
            if FileSystem.byteCount(of: condemned) != nil { try FileSystem.removeTree(condemned) }
        } catch {
            environment.report(error)  // The next start tries again.
        }
    }

    /// Removes the segments that the topics' settings no longer keep; returns before that is done.
    private func removeExpiredSegments() {
        for partition in openPartitions {
            _ = partition.perform(isReply: true) { $0.removeExpiredSegments() }
        }
    }

    /// Brings everything to stable storage, so that the next start has nothing to check.
    ///
    /// Ends the threads, and blocks until that is done. Whoever waits for records is woken.
    ///
    /// - Returns: Whether everything is on stable storage.
    @discardableResult
    func close() -> Bool {
        let partitions = state.withLock { state -> [Partition]? in
            if state.isClosed { return nil }
            state.isClosed = true
            return Array(state.topics.values.joined())
        }
        guard let partitions else { return true }
        let done = DispatchSemaphore(value: 0)
        let isClean = Atomic<Bool>(true)
        onEach(partitions, else: false) { log, done in
            log.close(done)
        } completion: {
            isClean.store($0.allSatisfy(\.self), ordering: .sequentiallyConsistent)
            done.signal()
        }
        done.wait()
        for executor in executors { executor.close() }
        environment.close()
        return isClean.load(ordering: .sequentiallyConsistent)
    }
}
