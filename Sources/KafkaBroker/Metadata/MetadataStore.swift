import Foundation
import GRDB
import KafkaWire
import Synchronization

/// What the broker must not forget beside the records: topics, their settings, groups, committed
/// offsets and a few counters, in `<data>/meta.sqlite`.
///
/// Readers use the image in memory, guarded by a `Mutex`. All changes go to one writer thread,
/// which puts everything that waits into one SQLite transaction (a disk syncs about 300 times a
/// second, with any number of changes each time), then publishes the image, then calls the
/// completions, on the writer thread: a completion must not block. When a completion reports
/// success, the change is on stable storage and visible to readers.
///
/// The writer thread keeps the store alive until `close`.
final class MetadataStore: Sendable {
    /// Names this cluster; 22 characters of URL-safe base64, made when the directory was.
    let clusterID: String
    /// The leader epoch that this start of the broker took; greater than any before.
    let startEpoch: Int32
    /// Whether the last run ended with `close(clean: true)`.
    let wasClosedCleanly: Bool

    let image: Mutex<MetadataImage>
    let writer: MetadataWriter
    private let deletionObservers = Mutex<[@Sendable (UUID16) -> Void]>([])
    private let thread: OwnThread

    /// Opens the store of a data directory, or creates it; blocks for a few syncs of the disk.
    ///
    /// - Parameter directory: The data directory; created if it is missing.
    /// - Throws: `BrokerError` if the directory or the database cannot be used.
    init(directory: URL) throws(BrokerError) {
        let opened = try MetadataDatabase.open(directory: directory)
        clusterID = opened.clusterID
        startEpoch = opened.image.leaderEpoch
        wasClosedCleanly = opened.wasClosedCleanly
        image = Mutex(opened.image)
        let writer = MetadataWriter(database: opened.database)
        self.writer = writer
        thread = OwnThread(name: "metadata")
        thread.start { [self] in writer.run(self) }
    }

    /// Finishes the waiting changes, records whether the logs are complete on disk, and stops.
    ///
    /// Blocks until all that is done. Changes submitted later fail.
    ///
    /// - Parameter clean: Whether all partitions were synced and closed before.
    func close(clean: Bool) {
        writer.submit(completion: { _ in }) { database, _ in
            try MetadataDatabase.setClean(clean, database)
        }
        writer.inbox.close()
        thread.join()
    }
}

/// Topics.
extension MetadataStore {
    /// The topic with this name, if there is one.
    func topic(named name: String) -> Topic? { image.withLock { $0.topic(named: name) } }

    /// The topic with this id, if there is one.
    func topic(id: UUID16) -> Topic? { image.withLock { $0.topics[id] } }

    /// All topics, by name.
    var topics: [Topic] { image.withLock { Array($0.topics.values) }.sorted { $0.name < $1.name } }

    /// Creates a topic with a new id and a new leader epoch.
    func createTopic(
        named name: String,
        partitionCount: Int32,
        configuration: TopicConfiguration,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        writer.submit(completion: completion) { database, image in
            try Topic.validate(name: name)
            try Topic.validate(partitionCount: partitionCount)
            if image.topic(named: name) != nil { throw BrokerError.topicExists(name) }
            let topic = Topic(
                id: .random(),
                name: name,
                partitionCount: partitionCount,
                creationDate: Int64(Date().timeIntervalSince1970 * 1000),
                leaderEpoch: image.leaderEpoch &+ 1,
                configuration: configuration
            )
            try MetadataDatabase.insert(topic, database)
            image.set(topic)
            return topic
        }
    }

    /// Deletes a topic, its settings and the offsets that groups committed for it.
    ///
    /// The id stays in `deletedTopicIDs` until `purgeDeletedTopic`, so that the removal of the
    /// topic's files can go on after a restart.
    func deleteTopic(
        id: UUID16,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        let finish = { @Sendable [self] (result: Result<Topic, BrokerError>) in
            if case .success = result {
                for observer in deletionObservers.withLock({ $0 }) { observer(id) }
            }
            completion(result)
        }
        writer.submit(completion: finish) { database, image in
            guard let topic = image.topics[id] else { throw BrokerError.unknownTopic("\(id)") }
            try MetadataDatabase.markDeleted(id, database)
            image.remove(topic)
            return topic
        }
    }

    /// The topics that are deleted but may still have files.
    var deletedTopicIDs: [UUID16] { image.withLock { Array($0.deletedTopicIDs) } }

    /// Forgets a deleted topic, once its files are gone.
    func purgeDeletedTopic(
        id: UUID16,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        writer.submit(completion: completion) { database, image in
            guard image.deletedTopicIDs.remove(id) != nil else { return }
            try MetadataDatabase.purge(id, database)
        }
    }

    /// Changes the settings or the number of partitions of a topic.
    ///
    /// - Parameters:
    ///   - id: The topic's id.
    ///   - change: Gets the topic as it is after all changes before this one; throws to refuse.
    ///   - completion: Called with the topic as it is now.
    func updateTopic(
        id: UUID16,
        _ change: @escaping @Sendable (inout Topic) throws(BrokerError) -> Void,
        completion: @escaping @Sendable (Result<Topic, BrokerError>) -> Void
    ) {
        writer.submit(completion: completion) { database, image in
            guard var topic = image.topics[id] else { throw BrokerError.unknownTopic("\(id)") }
            try change(&topic)
            try MetadataDatabase.update(topic, database)
            image.set(topic)
            return topic
        }
    }

    /// Has a function called, on the writer thread, after each deletion of a topic.
    func observeTopicDeletions(_ observer: @escaping @Sendable (UUID16) -> Void) {
        deletionObservers.withLock { $0.append(observer) }
    }
}

/// Counters.
extension MetadataStore {
    /// Hands out a producer id that was never handed out before.
    func nextProducerID(
        completion: @escaping @Sendable (Result<Int64, BrokerError>) -> Void
    ) {
        writer.submit(completion: completion) { database, image in
            try image.takeProducerID(database)
        }
    }
}

extension MetadataImage {
    /// Takes the next producer id; when the reserved ones are used up, reserves more.
    mutating func takeProducerID(_ rows: Database) throws -> Int64 {
        if producerIDs.isEmpty { producerIDs = try MetadataDatabase.reserveProducerIDs(rows) }
        return producerIDs.removeFirst()
    }
}
