import KafkaWire
import Logging

/// Everything below the sockets: what is stored, and who answers.
final class Services: Sendable {
    let node: Node
    let router: RequestRouter
    /// The memory of answers on their way.
    let answers: RequestMemory
    private let directory: DataDirectory
    private let store: MetadataStore
    private let logs: LogDirectory
    let fetches: FetchHandler
    private let groups: GroupCoordinator
    private let transactions: TransactionCoordinator

    /// Opens the data directory and recovers what a crash left; blocks.
    init(_ settings: BrokerSettings, logger: Logger) throws(BrokerError) {
        directory = try DataDirectory(path: settings.dataDirectory)
        let store = try MetadataStore(directory: directory.url)
        self.store = store
        let node = Node(host: settings.clientHost, clusterID: store.clusterID)
        self.node = node
        let topics: TopicLogs
        // What was opened before a failure is closed, the last first.
        var closings: [() -> Void] = [{ store.close(clean: store.wasClosedCleanly) }]
        do throws(BrokerError) {
            let logs = try LogDirectory(
                url: directory.url,
                settings: settings.logs,
                logger: logger
            )
            self.logs = logs
            closings = [{ store.close(clean: false) }, { logs.close() }]
            topics = TopicLogs(store: store, directory: logs, settings: settings)
            try topics.openAll()
            let groups = try GroupCoordinator(
                GroupEnvironment(store: store, settings: settings.groups, logger: logger)
            )
            self.groups = groups
            closings.append { groups.stop() }
            transactions = try TransactionCoordinator(
                TransactionEnvironment(
                    store: store,
                    logs: topics,
                    groups: groups,
                    faults: try FaultPoint(settings.faultPoint),
                    logger: logger
                )
            )
        } catch {
            for close in closings.reversed() { close() }
            throw error
        }
        answers = RequestMemory(limit: settings.requestMemoryBytes)
        fetches = FetchHandler(logs: topics, settings: settings, answers: answers)
        var handlers: [any RequestHandler] = [
            ProduceHandler(logs: topics), fetches, FindCoordinatorHandler(node: node).handler,
        ]
        handlers += TopicAPIs(node: node, logs: topics).handlers
        handlers += groups.handlers + transactions.handlers
        let keys = Set(handlers.map(\.key)).union([.apiVersions])
        router = RequestRouter(handlers + [ApiVersionsHandler(keys: keys)])
    }

    /// Answers what waits for something to happen, so that connections can be closed.
    func releaseWaiters() {
        fetches.endWaits()
        transactions.stop()
        groups.stop()
    }

    /// Writes everything to stable storage and unlocks the data directory; blocks.
    func close() {
        let isClean = logs.close()
        store.close(clean: isClean)
        directory.unlock()
    }
}

extension BrokerSettings {
    /// The part that is about all logs.
    var logs: LogDirectorySettings {
        var settings = LogDirectorySettings()
        settings.checksEverything = checksEverything
        settings.minimumFreeByteCount = Int64(minimumFreeBytes)
        settings.retentionCheckMilliseconds = Int64(retentionCheckMilliseconds)
        settings.producerExpirationMilliseconds = Int64(producerExpirationMilliseconds)
        return settings
    }

    /// The part that is about groups.
    var groups: GroupSettings {
        var settings = GroupSettings()
        settings.limits.initialRebalanceDelay = Int32(groupInitialRebalanceDelayMilliseconds)
        settings.offsetsRetention = Int64(offsetsRetentionMilliseconds)
        settings.retentionCheckInterval = Int64(retentionCheckMilliseconds)
        return settings
    }
}

extension TransactionEnvironment {
    /// What transactions need, with the logs and groups of this broker.
    init(
        store: MetadataStore,
        logs: TopicLogs,
        groups: GroupCoordinator,
        faults: FaultPoint,
        logger: Logger
    ) {
        self.init(
            store: store,
            begin: { id, producer, completion in
                logs.partition(id.topic, id.index)?
                    .beginTransaction(
                        producerID: producer.id,
                        epoch: producer.epoch,
                        completion
                    ) ?? completion(.unknownTopicOrPartition)
            },
            end: { id, marker, onlyIfOpen, completion in
                logs.partition(id.topic, id.index)?
                    .endTransaction(marker, onlyIfOpen: onlyIfOpen, completion)
                    ?? completion(.unknownTopicOrPartition)
            },
            findOpen: logs.directory.findOpenTransactions,
            endInGroups: groups.endTransaction,
            faults: faults,
            logger: logger
        )
    }
}
