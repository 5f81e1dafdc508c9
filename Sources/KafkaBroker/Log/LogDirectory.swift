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
        var reports: [RecoveryReport] = []
        var isClosed = false
    }

    private let path: String
    private let executors: [LogExecutor]
    private let environment: PartitionLog.Environment
    private let logger: Logger
    private let state: Mutex<State>

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
        self.logger = logger
        if try FileSystem.makeDirectory(path) { try FileSystem.synchronizeDirectory(url.path) }
        for name in try FileSystem.names(in: path) where name.hasSuffix(Self.deletedEnding) {
            try FileSystem.removeTree(path + "/" + name)
        }
        let flusher = Flusher(path: path, settings: settings, files: files, logger: logger)
        environment = PartitionLog.Environment(
            files: files,
            flusher: flusher,
            logger: logger,
            now: now,
            settings: settings,
            quarantine: url.path + "/quarantine"
        )
        executors = (0..<max(1, settings.executorCount)).map {
            LogExecutor(name: "log-\($0)", capacity: settings.queueCapacity)
        }
        state = Mutex(State())
        flusher.startClock { [weak self] in self?.removeExpiredSegments() }
    }

    /// What opening the logs found damaged or unfinished, for the operator.
    var reports: [RecoveryReport] { state.withLock { $0.reports } }

    /// An open partition; nil if there is none of this number.
    func partition(_ index: Int32, of topic: UUID16) -> Partition? {
        state.withLock { state in
            guard let partitions = state.topics[topic], index >= 0, index < partitions.count else {
                return nil
            }
            return partitions[Int(index)]
        }
    }

    /// All open partitions of a topic, in order.
    func partitions(of topic: UUID16) -> [Partition] {
        state.withLock { $0.topics[topic] ?? [] }
    }

    /// The ending of the directory of a topic that is being removed.
    static let deletedEnding = ".deleted"

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
        environment.flusher.disk.submit { [self] in
            do throws(BrokerError) {
                try makeDirectories(topic, missing)
            } catch {
                return completion(.failure(error))
            }
            let gather = Gather<Result<Partition, BrokerError>>(missing.count) { [self] results in
                completion(register(topic, results))
            }
            for (position, index) in missing.enumerated() {
                open(PartitionID(topic: topic, index: index), leaderEpoch, settings) {
                    gather.set(position, $0)
                }
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

    /// Opens one log on its thread.
    private func open(
        _ id: PartitionID,
        _ leaderEpoch: Int32,
        _ settings: LogSettings,
        _ completion: @escaping @Sendable (Result<Partition, BrokerError>) -> Void
    ) {
        let place = id.topic.low &+ UInt64(id.index)
        let executor = executors[Int(place % UInt64(executors.count))]
        let directory = "\(directory(of: id.topic))/\(id.index)"
        let isAccepted = executor.submit(isReply: true) { [self] in
            do throws(BrokerError) {
                let recovered = try LogRecovery.open(
                    id,
                    directory: directory,
                    environment: environment
                )
                if recovered.report.isNotable {
                    state.withLock { $0.reports.append(recovered.report) }
                }
                let log = PartitionLog(
                    recovered,
                    id: id,
                    leaderEpoch: leaderEpoch,
                    settings: settings,
                    environment: environment,
                    decompressor: executor.decompressor
                )
                completion(.success(Partition(log, executor: executor)))
            } catch {
                completion(.failure(error))
            }
        }
        if !isAccepted { completion(.failure(Self.closed)) }
    }

    private func register(
        _ topic: UUID16,
        _ results: [Result<Partition, BrokerError>]
    ) -> Result<Void, BrokerError> {
        do throws(BrokerError) {
            var partitions: [Partition] = []
            for result in results { partitions.append(try result.get()) }
            state.withLock { $0.topics[topic, default: []] += partitions }
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}

/// Changing, removing, closing.
extension LogDirectory {
    /// Changes how a topic's logs behave, from the next batch on.
    func setSettings(_ settings: LogSettings, of topic: UUID16) {
        for partition in partitions(of: topic) {
            _ = partition.perform(isReply: true) { $0.settings = settings }
        }
    }

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
        let gather = Gather<Bool>(partitions.count) { [self] _ in
            environment.flusher.disk.submit { [self] in removeDirectory(of: topic, completion) }
        }
        for (position, partition) in partitions.enumerated() {
            let isAccepted = partition.perform(isReply: true) { log in
                log.markDeleted()
                gather.set(position, true)
            }
            if !isAccepted { gather.set(position, false) }
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
            completion(.success(()))
        } catch {
            return completion(.failure(error))
        }
        do throws(BrokerError) {
            if FileSystem.byteCount(of: condemned) != nil { try FileSystem.removeTree(condemned) }
        } catch {
            environment.flusher.report(error)  // The next start tries again.
        }
    }

    /// Removes the segments that the topics' settings no longer keep; returns before that is done.
    func removeExpiredSegments() {
        let partitions = state.withLock { Array($0.topics.values.joined()) }
        for partition in partitions {
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
        let group = DispatchGroup()
        let isClean = Atomic<Bool>(true)
        for partition in partitions {
            group.enter()
            let isAccepted = partition.perform(isReply: true) { log in
                log.close { isSynced in
                    if !isSynced { isClean.store(false, ordering: .relaxed) }
                    group.leave()
                }
            }
            if !isAccepted { group.leave() }
        }
        group.wait()
        for executor in executors { executor.close() }
        environment.flusher.close()
        return isClean.load(ordering: .relaxed)
    }
}

extension RecoveryReport {
    /// Whether anything was damaged or unfinished.
    var isNotable: Bool { tornByteCount > 0 || quarantinedByteCount > 0 }
}
