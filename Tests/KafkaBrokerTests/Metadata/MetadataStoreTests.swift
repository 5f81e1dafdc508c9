import Dispatch
import Foundation
import GRDB
import KafkaWire
import Synchronization
import Testing

@testable import KafkaBroker

/// A directory of its own for a test, removed with the last use.
final class TestDirectory: Sendable {
    let url = temporaryDirectory()

    deinit { try? FileManager.default.removeItem(at: url) }

    /// What a crash at this moment would leave: the files as they are, without closing anything.
    func snapshot() throws -> TestDirectory {
        let copy = TestDirectory()
        try FileManager.default.copyItem(at: url, to: copy.url)
        return copy
    }
}

extension MetadataStore {
    func createTopic(
        _ name: String,
        partitions: Int32 = 1,
        _ configuration: TopicConfiguration = TopicConfiguration()
    ) async throws -> Topic {
        try await withCheckedContinuation { continuation in
            createTopic(
                named: name,
                partitionCount: partitions,
                configuration: configuration
            ) {
                continuation.resume(returning: $0)
            }
        }.get()
    }

    func deleteTopic(_ id: UUID16) async throws -> Topic {
        try await withCheckedContinuation { continuation in
            deleteTopic(id: id) { continuation.resume(returning: $0) }
        }.get()
    }

    func nextProducerID() async throws -> Int64 {
        try await withCheckedContinuation { continuation in
            nextProducerID { continuation.resume(returning: $0) }
        }.get()
    }

    /// Holds the writer until the returned function is called.
    func blockWriter() -> @Sendable () -> Void {
        let entered = DispatchSemaphore(value: 0)
        let gate = DispatchSemaphore(value: 0)
        writer.submit { _, _ in
            entered.signal()
            gate.wait()
        } completion: { _ in
        }
        entered.wait()
        return { gate.signal() }
    }
}

struct MetadataStoreTests {
    @Test func `topics are found by name and id, in order, as soon as they are created`()
        async throws
    {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let b = try await store.createTopic("b", partitions: 3)
        let a = try await store.createTopic("a")
        #expect(store.topic(named: "b") == b)
        #expect(store.topic(id: a.id) == a)
        #expect(store.topics.map(\.name) == ["a", "b"])
        #expect(b.partitionCount == 3)
        #expect(store.topic(named: "c") == nil)
        #expect(store.clusterID.utf8.count == 22)
    }

    @Test func `everything reported as done survives a crash`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let configuration = try TopicConfiguration(given: [("retention.ms", "1000")])
        let kept = try await store.createTopic("kept", partitions: 2, configuration)
        let gone = try await store.createTopic("gone")
        _ = try await store.deleteTopic(gone.id)
        let crashed = try directory.snapshot()
        let reopened = try MetadataStore(directory: crashed.url)
        defer { reopened.close(clean: true) }
        #expect(reopened.clusterID == store.clusterID)
        #expect(reopened.topics.map(\.id) == [kept.id])
        #expect(reopened.topic(named: "kept")?.partitionCount == 2)
        #expect(reopened.topic(named: "kept")?.configuration == configuration)
        #expect(reopened.topic(named: "kept")?.creationDate == kept.creationDate)
        #expect(reopened.deletedTopicIDs == [gone.id])
        #expect(!reopened.wasClosedCleanly)
    }

    @Test func `a clean end is noticed once`() throws {
        let directory = TestDirectory()
        try MetadataStore(directory: directory.url).close(clean: true)
        let second = try MetadataStore(directory: directory.url)
        #expect(second.wasClosedCleanly)
        second.close(clean: false)
        let third = try MetadataStore(directory: directory.url)
        #expect(!third.wasClosedCleanly)
        third.close(clean: true)
    }

    @Test func `leader epochs rise with every start and every topic`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let a = try await store.createTopic("a")
        let b = try await store.createTopic("b")
        #expect(a.leaderEpoch == store.startEpoch + 1)
        #expect(b.leaderEpoch == store.startEpoch + 2)
        let crashed = try directory.snapshot()
        let reopened = try MetadataStore(directory: crashed.url)
        defer { reopened.close(clean: true) }
        #expect(reopened.startEpoch == b.leaderEpoch + 1)
        #expect(reopened.topic(id: a.id)?.leaderEpoch == reopened.startEpoch)
    }

    @Test func `no producer id is handed out twice, also after a crash`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        var ids: Set<Int64> = []
        for _ in 0..<1_500 { #expect(ids.insert(try await store.nextProducerID()).inserted) }
        let crashed = try directory.snapshot()
        let reopened = try MetadataStore(directory: crashed.url)
        defer { reopened.close(clean: true) }
        #expect(ids.insert(try await reopened.nextProducerID()).inserted)
        #expect(ids.allSatisfy { $0 >= 0 })
    }

    @Test func `a topic's name cannot be taken twice until it is deleted`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let first = try await store.createTopic("events")
        await #expect {
            _ = try await store.createTopic("events")
        } throws: { ($0 as? BrokerError)?.kind == .topicExists }
        _ = try await store.deleteTopic(first.id)
        await #expect {
            _ = try await store.deleteTopic(first.id)
        } throws: { ($0 as? BrokerError)?.kind == .unknownTopic }
        let second = try await store.createTopic("events")
        #expect(second.id != first.id)
        #expect(second.leaderEpoch > first.leaderEpoch)
    }

    @Test func `deleted topics are remembered until their files are gone`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        let topic = try await store.createTopic("events")
        _ = try await store.deleteTopic(topic.id)
        #expect(store.deletedTopicIDs == [topic.id])
        let purged = await withCheckedContinuation { continuation in
            store.purgeDeletedTopic(id: topic.id) { continuation.resume(returning: $0) }
        }
        try purged.get()
        #expect(store.deletedTopicIDs.isEmpty)
        store.close(clean: true)
        let reopened = try MetadataStore(directory: directory.url)
        #expect(reopened.deletedTopicIDs.isEmpty)
        reopened.close(clean: true)
    }

    @Test func `a topic's settings are replaced as a whole`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        let before = try TopicConfiguration(given: [("retention.ms", "1"), ("flush.ms", "5")])
        let topic = try await store.createTopic("events", partitions: 1, before)
        let after = try TopicConfiguration(given: [("retention.ms", "2")])
        let changed = await withCheckedContinuation { continuation in
            store.setConfiguration(after, ofTopic: topic.id) {
                continuation.resume(returning: $0)
            }
        }
        #expect(try changed.get().configuration == after)
        store.close(clean: true)
        let reopened = try MetadataStore(directory: directory.url)
        #expect(reopened.topic(named: "events")?.configuration == after)
        reopened.close(clean: true)
    }

    @Test(arguments: ["", ".", "..", "a b", "ä", "a/b", String(repeating: "x", count: 250)])
    func `a bad topic name is refused`(_ name: String) {
        #expect(throws: BrokerError.self) { try Topic.validate(name: name) }
    }

    @Test(arguments: ["a", "A-z_0.9", "...", String(repeating: "x", count: 249)])
    func `a good topic name is allowed`(_ name: String) throws {
        try Topic.validate(name: name)
    }

    @Test(arguments: ["__consumer_offsets", "__transaction_state"])
    func `Kafka's internal names are refused`(_ name: String) {
        #expect(throws: BrokerError.self) { try Topic.validate(name: name) }
    }

    @Test(arguments: [Int32.min, 0, 10_001, .max])
    func `a bad number of partitions is refused`(_ count: Int32) async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        await #expect {
            _ = try await store.createTopic("events", partitions: count)
        } throws: { ($0 as? BrokerError)?.kind == .invalidPartitionCount }
    }
}

/// The writer: batches, bounds and failures.
struct MetadataWriterTests {
    @Test func `all changes that wait are one transaction`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let before = store.writer.commitCount.load(ordering: .relaxed)
        let release = store.blockWriter()
        async let results = withTaskGroup(of: Bool.self) { group in
            let submitted = DispatchSemaphore(value: 0)
            for index in 0..<500 {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        store.createTopic(
                            named: "topic-\(index)",
                            partitionCount: 1,
                            configuration: TopicConfiguration()
                        ) { continuation.resume(returning: (try? $0.get()) != nil) }
                        submitted.signal()
                    }
                }
            }
            group.addTask {
                await withCheckedContinuation { continuation in
                    OwnThread(name: "release").start {
                        for _ in 0..<500 { submitted.wait() }
                        release()
                        continuation.resume(returning: true)
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(await results == 501)
        #expect(store.topics.count == 500)
        // One for the change that held the writer, one for all the others.
        #expect(store.writer.commitCount.load(ordering: .relaxed) == before + 2)
    }

    @Test func `a full queue refuses at once`() throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        let release = store.blockWriter()
        let refused = Mutex<[BrokerError.Kind]>([])
        for _ in 0...MetadataWriter.capacity {
            store.nextProducerID { result in
                guard case .failure(let error) = result else { return }
                refused.withLock { $0.append(error.kind) }
            }
        }
        #expect(refused.withLock { $0 } == [.overloaded])
        release()
        store.close(clean: true)
        store.nextProducerID { result in
            guard case .failure(let error) = result else { return }
            refused.withLock { $0.append(error.kind) }
        }
        #expect(refused.withLock { $0 } == [.overloaded, .closed])
    }

    @Test func `a change that breaks the schema does not harm the others`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let release = store.blockWriter()
        let good = Mutex<[Bool]>([])
        @Sendable func note(_ result: Result<Topic, BrokerError>) {
            good.withLock { $0.append((try? result.get()) != nil) }
        }
        let configuration = TopicConfiguration()
        store.createTopic(named: "a", partitionCount: 1, configuration: configuration) { note($0) }
        store.writer.submit { rows, image -> Topic in
            image.leaderEpoch = 99
            try rows.execute(sql: "INSERT INTO meta (k, v) VALUES ('clean', NULL)")
            throw BrokerError.stopping
        } completion: {
            note($0)
        }
        store.createTopic(named: "b", partitionCount: 1, configuration: configuration) { note($0) }
        release()
        _ = try await store.createTopic("last")
        #expect(good.withLock { $0 } == [true, false, true])
        #expect(store.topics.map(\.name) == ["a", "b", "last"])
        #expect(store.topic(named: "b").map { $0.leaderEpoch < 99 } == true)
    }

    @Test func `a full disk is reported, and nothing of it is visible`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        func limit(pages: Int) {
            store.writer.submit { rows, _ in
                _ = try Int.fetchOne(rows, sql: "PRAGMA max_page_count = \(pages)")
            } completion: { _ in
            }
        }
        // SQLite takes this as "no more than there are".
        limit(pages: 1)
        var created: [String] = []
        var failure: BrokerError?
        for index in 0..<2_000 where failure == nil {
            do {
                created.append(try await store.createTopic("topic-\(10_000 + index)").name)
            } catch {
                failure = error as? BrokerError
            }
        }
        #expect(failure?.kind == .storage)
        #expect(store.topics.map(\.name) == created)
        limit(pages: 1_000_000)
        _ = try await store.createTopic("later")
        let crashed = try directory.snapshot()
        let reopened = try MetadataStore(directory: crashed.url)
        defer { reopened.close(clean: true) }
        #expect(reopened.topics.map(\.name) == ["later"] + created)
    }

    @Test func `commits are synced in full to a write-ahead log`() throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        let (mode, level, keys) = try store.writer.read { rows in
            (
                try String.fetchOne(rows, sql: "PRAGMA journal_mode"),
                try Int.fetchOne(rows, sql: "PRAGMA synchronous"),
                try Bool.fetchOne(rows, sql: "PRAGMA foreign_keys")
            )
        }
        #expect(mode == "wal")
        #expect(level == 2)
        #expect(keys == true)
    }

    @Test func `a database of a newer version is left alone`() throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        store.close(clean: true)
        let path = directory.url.appendingPathComponent("meta.sqlite").path
        try DatabaseQueue(path: path).write { rows in
            try rows.execute(sql: "INSERT INTO grdb_migrations VALUES ('from the future')")
        }
        #expect {
            _ = try MetadataStore(directory: directory.url)
        } throws: {
            let error = $0 as? BrokerError
            return error?.kind == .dataDirectory && error?.message.contains("newer") == true
        }
    }

    @Test func `a file that is no database is reported, not overwritten`() throws {
        let directory = TestDirectory()
        try FileManager.default.createDirectory(
            at: directory.url,
            withIntermediateDirectories: true
        )
        let file = directory.url.appendingPathComponent("meta.sqlite")
        let text = Data(String(repeating: "not a database. ", count: 100).utf8)
        try text.write(to: file)
        #expect {
            _ = try MetadataStore(directory: directory.url)
        } throws: { ($0 as? BrokerError)?.kind == .dataDirectory }
        #expect(try Data(contentsOf: file) == text)
    }

    @Test func `only the owner may read the files`() throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        for name in ["meta.sqlite", "meta.sqlite-wal"] {
            let path = directory.url.appendingPathComponent(name).path
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }
}
