import Foundation
import GRDB
import Testing

@testable import ModelStore

@Suite struct BranchTests {
    let directory: TemporaryDirectory
    let store: ModelStore
    let epoch: Int64

    init() throws {
        directory = try TemporaryDirectory()
        store = try ModelStore(directory: directory.path)
        epoch = try store.beginEpoch(model: "taste")
    }

    private func learn(_ first: Int64, _ last: Int64, epoch: Int64? = nil) throws {
        try store.appendJournal(
            model: "taste",
            epoch: epoch ?? self.epoch,
            ranges: [range(0, first, last)]
        )
    }

    private func newest(_ told: inout [Int64]) throws -> [Int64]? {
        try store.newestIntact(of: "taste") { told.append($0.version.number) }?.map(\.number)
    }

    private func newest() throws -> [Int64]? {
        var told: [Int64] = []
        return try newest(&told)
    }

    private func damage(_ number: Int64) throws {
        let version = try #require(try store.version(number, of: "taste"))
        let file = try #require(FileHandle(forUpdatingAtPath: store.blobPath(version.blob)))
        try file.write(contentsOf: [0xFF])
    }

    @Test func `a model begins on its root branch`() throws {
        let root = try store.currentBranch(of: "taste")
        #expect(root.parent == nil)
        #expect([root.parentPosition, root.start, root.createdAt] == [0, 0, 0])
        #expect(root.exclusions.isEmpty)
        _ = try store.beginEpoch(model: "taste")
        #expect(try store.currentBranch(of: "taste") == root)
        #expect(try store.branches(of: "taste") == [root])
        _ = try store.beginEpoch(model: "other")
        #expect(try store.currentBranch(of: "other").id != root.id)
        #expect(errorKind { _ = try store.currentBranch(of: "unknown") } == .missing)
    }

    @Test func `a store of before branches keeps its versions, its journal and its history`() throws
    {
        let old = try TemporaryDirectory()
        do {
            let pool = try DatabasePool(path: old.path + "/store.sqlite")
            try Schema.migrate(pool, upTo: "versions, journal, aliases")
            try pool.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO model VALUES (5, 'taste', 3);
                        INSERT INTO source VALUES (1, 5, 'interactions', 0, 10);
                        INSERT INTO journal VALUES (5, 0, 3, 1, 0, 9);
                        INSERT INTO version VALUES (5, 1, NULL, 3, 'stateful',
                            '\(String(repeating: "a", count: 64))', 1, '{}', 'old', 10, 7, 'h', 1,
                            2, 10, 4);
                        INSERT INTO alias VALUES (5, 'champion', 1);
                        INSERT INTO aliasMove VALUES (9, 5, 'champion', NULL, 1, 'first', 6);
                        """
                )
            }
            try pool.close()
        }
        let store = try ModelStore(directory: old.path)
        let root = try store.currentBranch(of: "taste")
        #expect(root.parent == nil)
        let version = try #require(try store.version(1, of: "taste"))
        #expect(version.base == nil)
        #expect(version.branch == root.id)
        #expect(!version.isPruned)
        #expect(try store.lineage(of: version).flatMap(\.ranges) == [range(0, 0, 9)])
        #expect(try store.actions(of: "taste").map(\.reason) == ["first"])
        #expect(try store.epochTaker(of: "taste") == .trainer)
        #expect(try store.beginEpoch(model: "taste") == 4)
    }

    @Test func `the chain of an increment leads from the whole file to it`() throws {
        for base in [nil, 1, 2] as [Int64?] {
            try store.add("taste", epoch: epoch, content: "state \(base ?? 0)", base: base)
        }
        let newest = try #require(try store.version(3, of: "taste"))
        #expect(newest.base == 2)
        #expect(try store.chain(of: newest).map(\.number) == [1, 2, 3])
        #expect(try self.newest() == [1, 2, 3])
    }

    @Test func `an increment cannot add to a version that is not there or has learned more`() throws
    {
        try learn(0, 9)
        try store.add("taste", epoch: epoch, content: "ten")
        let blob = try store.writeBlob([[1]])
        for (base, position, kind) in [(9, 10, .missing), (1, 9, .invalid)]
            as [(Int64, Int64, ModelStoreError.Kind)]
        {
            let new = try store.newVersion(
                "taste",
                epoch: epoch,
                blob: blob,
                base: base,
                journalPosition: position
            )
            #expect(errorKind { _ = try store.addVersion(new) } == kind)
        }
        #expect(try store.versions(of: "taste").count == 1)
    }

    @Test func `a flipped bit in the newest file leads to the version before, and is told`() throws
    {
        try store.add("taste", epoch: epoch, content: "one")
        try store.add("taste", epoch: epoch, content: "two")
        try damage(2)
        var told: [Int64] = []
        #expect(try newest(&told) == [1])
        #expect(told == [2])
    }

    @Test func `a damaged base takes all that adds to it with it`() throws {
        for (number, base) in [nil, 1, nil, 3, 4].enumerated() as EnumeratedSequence<[Int64?]> {
            try store.add("taste", epoch: epoch, content: "state \(number)", base: base)
        }
        #expect(try newest() == [3, 4, 5])
        try damage(3)
        var told: [Int64] = []
        #expect(try newest(&told) == [1, 2])
        #expect(told == [5, 4, 3])
        try damage(1)
        #expect(try newest() == nil)
    }

    @Test func `after a rollback the model goes on from that version`() throws {
        try learn(0, 9)
        try store.add("taste", epoch: epoch, content: "ten")
        try learn(10, 29)
        try store.add("taste", epoch: epoch, content: "thirty")
        try learn(30, 34)
        let root = try store.currentBranch(of: "taste")
        let branch = try store.rollback(model: "taste", to: 1, reason: "bad data", at: 77)
        #expect(branch.parent == root.id)
        #expect(branch.parentPosition == 10)
        #expect(branch.parentVersion == 1)
        #expect(branch.start == 35)
        #expect(branch.reason == "bad data")
        #expect(branch.createdAt == 77)
        #expect(try store.currentBranch(of: "taste") == branch)
        #expect(try newest() == [1])
        #expect(try store.newestVersion(of: "taste")?.number == 1)
        let first = try store.version(1, of: "taste")
        #expect(try store.lineage(of: "taste", after: first).isEmpty)
        let offset = OffsetPosition(topic: "interactions", partition: 0, offset: 35)
        #expect(try store.nextOffsets(of: "taste") == [offset])

        let next = try store.beginEpoch(model: "taste")
        try learn(35, 39, epoch: next)
        #expect(
            try store.lineage(of: "taste", after: first).flatMap(\.ranges) == [range(0, 35, 39)]
        )
        let third = try store.add("taste", epoch: next, content: "back", base: 1)
        #expect(third.parent == 1)
        #expect(
            try store.lineage(of: third).flatMap(\.ranges) == [range(0, 0, 9), range(0, 35, 39)]
        )
        #expect(try newest() == [1, 3])
        try damage(3)
        #expect(try newest() == [1])
        let second = try #require(try store.version(2, of: "taste"))
        #expect(errorKind { _ = try store.lineage(of: "taste", after: second) } == .invalid)
        #expect(try store.lineage(of: second).flatMap(\.ranges) == [range(0, 0, 29)])
    }

    @Test func `a rollback fences the trainer and says who did it`() throws {
        try learn(0, 9)
        try store.add("taste", epoch: epoch, content: "ten")
        #expect(try store.epochTaker(of: "taste") == .trainer)
        let branch = try store.rollback(model: "taste", to: 1, reason: "bad data", at: 77)
        #expect(errorKind { try learn(10, 11) } == .fenced)
        guard case .operator(let action) = try store.epochTaker(of: "taste") else {
            Issue.record("the trainer would stop")
            return
        }
        #expect(action.kind == .rollback)
        #expect(action.version == 1)
        #expect(action.previous == 1)
        #expect(action.branch == branch.id)
        #expect(action.epoch == epoch + 1)
        #expect(action.reason == "bad data")
        #expect(action.at == 77)
        #expect(try store.actions(of: "taste") == [action])
        _ = try store.beginEpoch(model: "taste")
        #expect(try store.epochTaker(of: "taste") == .trainer)
    }

    @Test func `a version that cannot be loaded is not rolled back to`() throws {
        try store.add("taste", epoch: epoch, content: "one")
        try damage(1)
        let before = try store.currentBranch(of: "taste")
        #expect(
            errorKind {
                _ = try store.rollback(model: "taste", to: 1, reason: "", at: 0)
            } == .damaged
        )
        #expect(
            errorKind {
                _ = try store.rollback(model: "taste", to: 2, reason: "", at: 0)
            } == .missing
        )
        #expect(try store.currentBranch(of: "taste") == before)
        #expect(try store.currentEpoch(model: "taste") == epoch)
    }

    @Test func `a rebuilt version begins a branch without what was excluded`() throws {
        try learn(0, 9)
        try store.add("taste", epoch: epoch, content: "ten")
        try learn(10, 14)
        let root = try store.currentBranch(of: "taste")
        let blob = try store.writeBlob([[1]])
        let new = try store.newVersion("taste", epoch: 0, blob: blob, journalPosition: 10)
        let exclusions: [Exclusion] = [.offsets(range(0, 3, 4)), .user(saltedHash: "abc")]
        let rebuilt = try store.addRebuilt(
            new,
            parent: root.id,
            upTo: 10,
            exclusions: exclusions,
            reason: "forget",
            at: 5
        )
        #expect(rebuilt.number == 2)
        #expect(rebuilt.parent == 1)
        #expect(rebuilt.epoch == epoch + 1)
        let branch = try store.currentBranch(of: "taste")
        #expect(rebuilt.branch == branch.id)
        #expect(branch.exclusions == exclusions)
        #expect(branch.start == 10)
        let learned = LineageSegment(
            ranges: [range(0, 0, 2), range(0, 5, 9)],
            withoutUsers: ["abc"]
        )
        #expect(try store.lineage(of: rebuilt) == [learned])
        let rest = LineageSegment(ranges: [range(0, 10, 14)], withoutUsers: [])
        #expect(try store.lineage(of: "taste", after: rebuilt) == [rest])
        #expect(try store.lineage(of: "taste", after: nil) == [learned, rest])
        #expect(try newest() == [2])
        try damage(2)
        #expect(try newest() == nil)
        let actions = try store.actions(of: "taste")
        #expect(actions.map(\.kind) == [.rebuild])
        #expect(actions.map(\.version) == [2])
        #expect(actions.map(\.previous) == [1])
    }

    @Test func `what was rebuilt from a branch that was left meanwhile is refused`() throws {
        try learn(0, 9)
        try store.add("taste", epoch: epoch, content: "ten")
        let root = try store.currentBranch(of: "taste")
        _ = try store.rollback(model: "taste", to: 1, reason: "", at: 0)
        let blob = try store.writeBlob([[1]])
        let new = try store.newVersion("taste", epoch: 0, blob: blob, journalPosition: 10)
        func add(_ new: NewVersion, parent: Int64, upTo: Int64) -> ModelStoreError.Kind? {
            errorKind {
                _ = try store.addRebuilt(
                    new,
                    parent: parent,
                    upTo: upTo,
                    exclusions: [],
                    reason: "",
                    at: 0
                )
            }
        }
        #expect(add(new, parent: root.id, upTo: 10) == .invalid)
        let branch = try store.currentBranch(of: "taste").id
        #expect(add(new, parent: branch, upTo: 9) == .invalid)
        var increment = new
        increment.base = 1
        #expect(add(increment, parent: branch, upTo: 10) == .invalid)
        #expect(try store.versions(of: "taste").count == 1)
        #expect(try store.currentEpoch(model: "taste") == epoch + 1)
        #expect(add(new, parent: branch, upTo: 10) == nil)
    }

    @Test func `a version on a branch that was left is refused`() throws {
        try learn(0, 9)
        try store.add("taste", epoch: epoch, content: "ten")
        let root = try store.currentBranch(of: "taste")
        _ = try store.rollback(model: "taste", to: 1, reason: "", at: 0)
        let next = try store.beginEpoch(model: "taste")
        let blob = try store.writeBlob([[1]])
        let late = try store.newVersion("taste", epoch: next, blob: blob, branch: root.id)
        #expect(errorKind { _ = try store.addVersion(late) } == .invalid)
    }
}
