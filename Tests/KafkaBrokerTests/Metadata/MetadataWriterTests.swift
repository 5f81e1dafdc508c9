import Dispatch
import Foundation
import GRDB
import Synchronization
import Testing

@testable import KafkaBroker

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
        store.writer.submit(completion: { note($0) }) { rows, image -> Topic in
            image.leaderEpoch = 99
            try rows.execute(sql: "INSERT INTO meta (k, v) VALUES ('clean', NULL)")
            throw BrokerError.stopping
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
            store.writer.submit(completion: { _ in }) { rows, _ in
                _ = try Int.fetchOne(rows, sql: "PRAGMA max_page_count = \(pages)")
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
        let (mode, level, keys) = try store.writer.database.read { rows in
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
