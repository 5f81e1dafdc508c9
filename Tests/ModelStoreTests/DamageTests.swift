import Foundation
import GRDB
import Testing

@testable import ModelStore

/// What disks and people do to a store's files.
@Suite struct DamageTests {
    let directory: TemporaryDirectory
    let store: ModelStore
    let epoch: Int64

    init() throws {
        directory = try TemporaryDirectory()
        store = try ModelStore(directory: directory.path)
        epoch = try store.beginEpoch(model: "taste")
        for (number, base) in [nil, 1, nil, 3].enumerated() as EnumeratedSequence<[Int64?]> {
            let first = Int64(number) * 10
            let learned = [range(0, first, first + 8), range(1, first, first)]
            try store.appendJournal(model: "taste", epoch: epoch, ranges: learned)
            try store.add("taste", epoch: epoch, content: "a state of \(number)", base: base)
        }
    }

    private func path(_ number: Int64) throws -> String {
        let version = try #require(try store.version(number, of: "taste"))
        return store.blobPath(version.blob)
    }

    /// The chain that is loaded, and what was told to be damaged.
    private func load() throws -> (chain: [Int64]?, told: [Int64]) {
        var told: [Int64] = []
        let chain = try store.newestIntact(of: "taste") { told.append($0.version.number) }
        return (chain?.map(\.number), told)
    }

    @Test(arguments: [0, 5])
    func `a torn newest file leads to the version before`(_ byteCount: Int) throws {
        #expect(truncate(try path(4), byteCount) == 0)
        let (chain, told) = try load()
        #expect(chain == [3])
        #expect(told == [4])
    }

    @Test func `a flipped bit in the newest file leads to the version before`() throws {
        try flipBit(of: try path(4))
        let (chain, told) = try load()
        #expect(chain == [3])
        #expect(told == [4])
    }

    @Test func `a deleted newest file leads to the version before`() throws {
        try FileManager.default.removeItem(atPath: try path(4))
        let (chain, told) = try load()
        #expect(chain == [3])
        #expect(told == [4])
    }

    @Test func `a deleted base leads to the newest version that does without it`() throws {
        try FileManager.default.removeItem(atPath: try path(3))
        let (chain, told) = try load()
        #expect(chain == [1, 2])
        #expect(told == [4, 3])
        var messages: [String] = []
        _ = try store.newestIntact(of: "taste") { messages.append($0.problem.message) }
        #expect(messages.first?.hasPrefix("version 4 adds to version 3: ") == true)
    }

    @Test func `a directory in the place of a file is no version`() throws {
        try FileManager.default.removeItem(atPath: try path(4))
        try FileManager.default.createDirectory(
            atPath: try path(4),
            withIntermediateDirectories: false
        )
        #expect(try load().chain == [3])
    }

    @Test func `when no file is whole there is no version, and all are told`() throws {
        for number in 1...4 as ClosedRange<Int64> { try flipBit(of: try path(number)) }
        let (chain, told) = try load()
        #expect(chain == nil)
        #expect(told == [4, 3, 2, 1])
        let all = try store.lineage(of: "taste", after: nil).flatMap(\.ranges)
        #expect(all.reduce(0) { $0 + $1.count } == 40)
    }

    @Test(arguments: [
        "UPDATE journal SET lastOffset = 9223372036854775807",
        "UPDATE journal SET firstOffset = -9223372036854775807",
        "UPDATE journal SET position = position - 9000000000000000000",
        "UPDATE journal SET lastOffset = 9223372036854775807 WHERE position = 0",
        "UPDATE journal SET epoch = 0",
        "UPDATE source SET partition = 5000000000 + partition",
        "UPDATE source SET topic = ''",
        "DELETE FROM journal WHERE position = 10",
        "DELETE FROM journal WHERE position < 20",
        "UPDATE version SET journalPosition = 9223372036854775807 WHERE number = 4",
        "UPDATE version SET blobHash = '../../x' WHERE number = 4",
        "UPDATE version SET blobByteCount = -1 WHERE number = 4",
        "UPDATE version SET kind = 'none' WHERE number = 4",
        "UPDATE version SET branchID = NULL WHERE number = 4",
        "UPDATE versionOffset SET partition = 5000000000 + partition WHERE version = 4",
        "UPDATE model SET branchID = NULL",
        "UPDATE model SET epoch = 9223372036854775807",
        "UPDATE branch SET start = -1",
        "UPDATE branch SET start = 9223372036854775807",
        "UPDATE branch SET parent = id",
    ])
    func `a value that none can have is refused as damage`(_ change: String) throws {
        try store.write { try $0.execute(sql: change) }
        let uses: [() throws -> Void] = [
            { _ = try store.versions(of: "taste") },
            { _ = try store.journal(of: "taste", from: 0) },
            { _ = try store.lineage(of: "taste", after: nil) },
            { _ = try store.nextOffsets(of: "taste") },
            { _ = try store.beginEpoch(model: "taste") },
        ]
        let kinds = uses.map { use in errorKind { try use() } }
        #expect(kinds.contains(.damaged))
        #expect(kinds.allSatisfy { $0 == nil || $0 == .damaged })
    }

    @Test func `a database that contradicts itself is told, a sound one is not`() throws {
        try store.checkDatabase()
        try store.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            try db.execute(sql: "DELETE FROM source")
            try db.execute(sql: "PRAGMA foreign_keys = ON")
        }
        #expect(errorKind { try store.checkDatabase() } == .damaged)
    }

    @Test(arguments: ["4", "7", "0", "-1"])
    func `a version that adds to itself, a later one or none is passed over`(_ base: String) throws
    {
        try store.write { db in
            try db.execute(sql: "UPDATE version SET base = \(base) WHERE number = 4")
        }
        let (chain, told) = try load()
        #expect(chain == [3])
        #expect(told == [4])
    }

    /// Flips bytes of the database, then asks for everything; a refusal is fine, a trap is not.
    @Test(.timeLimit(.minutes(5)), arguments: 0..<4 as Range<UInt64>)
    func `no damage to the database makes the program trap or hang`(_ seed: UInt64) async throws {
        try store.write { db in try db.execute(sql: "UPDATE model SET epoch = epoch") }
        try store.checkpoint()
        await #expect(processExitsWith: .success) {
            [path = directory.path as String, seed = seed as UInt64] in
            var random = SeededGenerator(seed: seed)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path + "/store.sqlite"))
            for _ in 0..<40 {
                let copy = try TemporaryDirectory()
                var bytes = whole
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) {
                    bytes = bytes.prefix(Int.random(in: 0...bytes.count, using: &random))
                }
                try bytes.write(to: URL(fileURLWithPath: copy.path + "/store.sqlite"))
                DamageTests.useAll(of: copy.path)
            }
        }
    }

    private static func useAll(of path: String) {
        guard let store = try? ModelStore(directory: path) else { return }
        for model in (try? store.models()) ?? [] {
            for version in (try? store.versions(of: model)) ?? [] {
                _ = try? store.chain(of: version)
                _ = try? store.lineage(of: version)
                _ = try? store.rebuildNeeds(of: version)
            }
            _ = try? store.newestIntact(of: model) { _ in }
            _ = try? store.journal(of: model, from: 3)
            _ = try? store.lineage(of: model, after: nil)
            _ = try? store.nextOffsets(of: model)
            _ = try? store.aliases(of: model)
            _ = try? store.actions(of: model)
            _ = try? store.prune(model: model, keep: RetentionPolicy(newest: 1))
            _ = try? store.beginEpoch(model: model)
        }
    }
}

extension ModelStore {
    /// Moves all that was committed into `store.sqlite` itself.
    fileprivate func checkpoint() throws {
        try writeWithoutTransaction { db in
            _ = try db.checkpoint(.truncate)
        }
    }
}
