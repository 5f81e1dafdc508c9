import Foundation
import GRDB
import Testing

@testable import KafkaBroker

/// A metadata database with values that no broker writes: it is refused, and nothing traps.
struct DamagedMetadataTests {
    /// What is done to the database, and what the error must name.
    private static let damages: [(sql: String, named: String)] = [
        (#"UPDATE topic SET partitions = 1 << 40"#, "1099511627776"),
        (#"UPDATE topic SET partitions = -3"#, "-3 partitions"),
        (#"UPDATE topic SET partitions = 0"#, "0 partitions"),
        (#"UPDATE topic SET partitions = 10001"#, "10001 partitions"),
        (#"UPDATE topic SET name = 'a b'"#, "a b"),
        (#"UPDATE topic SET id = x'0102'"#, "2 bytes"),
        (#"UPDATE topic_config SET topic_id = x'0102'"#, "2 bytes"),
        (#"UPDATE meta SET v = '2147483647' WHERE k = 'leader_epoch'"#, "2147483647"),
        (#"UPDATE meta SET v = '-1' WHERE k = 'leader_epoch'"#, "-1"),
        (#"UPDATE meta SET v = 'many' WHERE k = 'leader_epoch'"#, "many"),
        (
            #"INSERT INTO meta VALUES ('next_producer_id', '9223372036854775807')"#,
            "9223372036854775807"
        ),
        (#"UPDATE "group" SET generation = 1 << 40"#, "1099511627776"),
        (#"UPDATE "group" SET members = '[{}]'"#, "the groups could not be read"),
        (#"UPDATE "group" SET members = '[{'"#, "the groups could not be read"),
        (#"UPDATE "offset" SET partition = 1 << 40"#, "1099511627776"),
        (#"UPDATE "offset" SET epoch = 1 << 40"#, "1099511627776"),
        (#"UPDATE "offset" SET topic_id = x'0102'"#, "2 bytes"),
        (#"UPDATE txn_offset SET partition = -1 << 40"#, "-1099511627776"),
        (#"UPDATE txn_offset SET epoch = 1 << 40"#, "1099511627776"),
        (#"UPDATE txn SET last_epoch = 40000"#, "40000"),
        (#"UPDATE txn SET timeout = 1 << 40"#, "1099511627776"),
        (#"UPDATE txn SET state = 'Lost'"#, "Lost"),
        (#"UPDATE txn SET producer = '{"id": 7, "epoch": 40000}'"#, "the transactions"),
        (#"UPDATE txn SET producer = '{"id": 7, "epoch": 32767}'"#, "32767"),
        (#"UPDATE txn SET started = -1 << 63"#, "-9223372036854775808"),
        (#"UPDATE txn SET updated = -1 << 63"#, "-9223372036854775808"),
        (#"UPDATE txn SET groups = '{}'"#, "the transactions could not be read"),
    ]

    /// A directory with a row in every table.
    private func directory() async throws -> TestDirectory {
        let directory = TestDirectory()
        try DataDirectory(path: directory.url.path).unlock()
        let store = try MetadataStore(directory: directory.url)
        let configuration = try TopicConfiguration(given: [("retention.ms", "1000")])
        _ = try await store.createTopic("events", configuration)
        store.close(clean: true)
        try change(
            directory,
            """
            INSERT INTO "group" (id, generation, members) VALUES ('g', 1, '[]');
            INSERT INTO "offset" SELECT 'g', id, 0, 5, 1, '', 0 FROM topic;
            INSERT INTO txn_offset SELECT 7, 'g', id, 0, 5, 1, '' FROM topic;
            INSERT INTO txn VALUES
            ('t', '{"id": 7, "epoch": 0}', -1, -1, 1000, 'Ongoing', '[]', '["g"]', 1, 1);
            """
        )
        return directory
    }

    /// Changes the database behind the back of its rules.
    private func change(_ directory: TestDirectory, _ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let path = directory.url.path + "/meta.sqlite"
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.write { rows in
            try rows.execute(sql: "PRAGMA ignore_check_constraints = 1; \(sql)")
        }
        try database.close()
    }

    /// Reads everything that a starting broker reads.
    private func open(_ directory: TestDirectory) throws {
        let store = try MetadataStore(directory: directory.url)
        defer { store.close(clean: true) }
        #expect(try store.loadGroups().map(\.id) == ["g"])
        #expect(try store.loadTransactions().map(\.transactionalID) == ["t"])
    }

    private func check(_ directory: TestDirectory) throws -> [DataCheck.Finding] {
        var findings: [DataCheck.Finding] = []
        try DataCheck(directory.url.path) { findings.append($0) }.run()
        return findings.filter { $0.severity == .damage && $0.path.hasSuffix("meta.sqlite") }
    }

    @Test func `the last epoch of a fenced producer is no damage`() async throws {
        let directory = try await directory()
        let producer = #"{"id": 7, "epoch": 32767}"#
        try change(directory, "UPDATE txn SET producer = '\(producer)', state = 'CompleteAbort'")
        try open(directory)
        #expect(try check(directory).isEmpty)
    }

    @Test(arguments: damages)
    func `what cannot be is refused with its value at the start, and found by the check`(
        _ sql: String,
        _ named: String
    ) async throws {
        let directory = try await directory()
        try open(directory)
        #expect(try check(directory).isEmpty)
        try change(directory, sql)
        #expect(try !check(directory).isEmpty)
        #expect {
            try open(directory)
        } throws: {
            let error = $0 as? BrokerError
            return error?.message.contains(named) == true && error?.remedy.isEmpty == false
        }
    }
}
