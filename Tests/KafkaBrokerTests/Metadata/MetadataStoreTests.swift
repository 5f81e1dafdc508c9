import Dispatch
import Foundation
import KafkaWire
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

    /// Changes a topic; returns whether that was accepted.
    func update(
        _ id: UUID16,
        _ change: @escaping @Sendable (inout Topic) throws(BrokerError) -> Void
    ) async -> Bool {
        await withCheckedContinuation { continuation in
            updateTopic(id: id, change) {
                continuation.resume(returning: (try? $0.get()) != nil)
            }
        }
    }

    /// Holds the writer until the returned function is called.
    func blockWriter() -> @Sendable () -> Void {
        let entered = DispatchSemaphore(value: 0)
        let gate = DispatchSemaphore(value: 0)
        writer.submit(completion: { _ in }) { _, _ in
            entered.signal()
            gate.wait()
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
        } throws: { ($0 as? BrokerError)?.errorCode == .topicAlreadyExists }
        _ = try await store.deleteTopic(first.id)
        await #expect {
            _ = try await store.deleteTopic(first.id)
        } throws: { ($0 as? BrokerError)?.errorCode == .unknownTopicOrPartition }
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

    @Test func `a change of a topic sees those before it, and a refused one leaves no trace`()
        async throws
    {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        let topic = try await store.createTopic("events", partitions: 2)
        let release = store.blockWriter()
        async let results = withTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await store.update(topic.id) { topic throws(BrokerError) in
                        let count = topic.partitionCount * 2
                        topic.partitionCount = count
                        if count > 8 { throw BrokerError(.invalidPartitions, "too many") }
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        release()
        #expect(await results.filter(\.self).count == 2)
        #expect(store.topic(id: topic.id)?.partitionCount == 8)
        store.close(clean: true)
        let reopened = try MetadataStore(directory: directory.url)
        #expect(reopened.topic(named: "events")?.partitionCount == 8)
        reopened.close(clean: true)
    }

    @Test func `a topic's settings are replaced as a whole`() async throws {
        let directory = TestDirectory()
        let store = try MetadataStore(directory: directory.url)
        let before = try TopicConfiguration(given: [("retention.ms", "1"), ("flush.ms", "5")])
        let topic = try await store.createTopic("events", partitions: 1, before)
        let after = try TopicConfiguration(given: [("retention.ms", "2")])
        #expect(await store.update(topic.id) { $0.configuration = after })
        #expect(store.topic(id: topic.id)?.configuration == after)
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
        } throws: { ($0 as? BrokerError)?.errorCode == .invalidPartitions }
    }
}
