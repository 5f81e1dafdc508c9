import Foundation
import Testing

@testable import ModelStore

@Suite struct PruneTests {
    let directory: TemporaryDirectory
    let store: ModelStore
    let epoch: Int64

    init() throws {
        directory = try TemporaryDirectory()
        store = try ModelStore(directory: directory.path)
        epoch = try store.beginEpoch(model: "taste")
    }

    /// Ten more events and a version of them.
    @discardableResult
    private func version(base: Int64? = nil, epoch: Int64? = nil) throws -> ModelVersion {
        let epoch = epoch ?? self.epoch
        let end = try store.journalPosition(of: "taste")
        let learned = range(0, end, end + 9)
        try store.appendJournal(model: "taste", epoch: epoch, ranges: [learned])
        return try store.add("taste", epoch: epoch, content: "state \(end)", base: base)
    }

    private func prune(_ newest: Int) throws -> PruneReport {
        try store.prune(model: "taste", keep: RetentionPolicy(newest: newest))
    }

    @Test func `the newest versions keep their files, the rows of the others stay`() throws {
        for _ in 1...5 { try version() }
        let report = try prune(2)
        #expect(report.pruned == [1, 2, 3])
        #expect(report.kept == [4, 5])
        #expect(report.deletedFileCount == 3)
        #expect(report.freedByteCount == 3 * 8 - 1)
        #expect(files(in: directory.path).count == 2)
        let versions = try store.versions(of: "taste")
        #expect(versions.map(\.isPruned) == [true, true, true, false, false])
        #expect(try store.damagedVersions(of: "taste").isEmpty)
        #expect(try store.lineage(of: versions[1]).flatMap(\.ranges) == [range(0, 0, 19)])
        #expect(try prune(2).pruned.isEmpty)
        #expect(try store.newestIntact(of: "taste") { _ in }?.map(\.number) == [5])
    }

    @Test func `every base of what is kept is kept`() throws {
        for base in [nil, 1, 2, nil, 4, 3, 6] as [Int64?] { try version(base: base) }
        #expect(try prune(1).pruned == [4, 5])
        let newest = try #require(try store.version(7, of: "taste"))
        #expect(try store.chain(of: newest).map(\.number) == [1, 2, 3, 6, 7])
    }

    @Test func `what an alias points at is kept, and what it would be reverted to`() throws {
        for _ in 1...5 { try version() }
        for target in 1...3 as ClosedRange<Int64> {
            try store.setAlias("champion", of: "taste", to: target, reason: "", at: 0)
        }
        #expect(try prune(1).kept == [2, 3, 5])
        #expect(try store.revertAlias("champion", of: "taste", reason: "worse", at: 9) == 2)
        #expect(try store.aliases(of: "taste").map(\.version) == [2])
        let last = try store.actions(of: "taste").last
        #expect(last?.kind == .revert)
        #expect(last?.version == 2)
        #expect(last?.previous == 3)
        // Version 1 was given up when the alias was two moves away.
        #expect(
            errorKind {
                _ = try store.revertAlias("champion", of: "taste", reason: "", at: 0)
            } == .missing
        )
        #expect(try prune(1).kept == [2, 5])
    }

    @Test func `an alias that never moved has nothing to go back to`() throws {
        try version()
        #expect(
            errorKind { _ = try store.revertAlias("a", of: "taste", reason: "", at: 0) } == .missing
        )
        try store.setAlias("a", of: "taste", to: 1, reason: "", at: 0)
        #expect(
            errorKind { _ = try store.revertAlias("a", of: "taste", reason: "", at: 0) } == .missing
        )
        #expect(try store.aliases(of: "taste").map(\.version) == [1])
    }

    @Test func `what the current branch begins with is kept`() throws {
        for _ in 1...3 { try version() }
        _ = try store.rollback(model: "taste", to: 1, reason: "", at: 0)
        let next = try store.beginEpoch(model: "taste")
        for _ in 1...3 { try version(epoch: next) }
        #expect(try prune(1).kept == [1, 6])
        for number in [4, 5, 6] as [Int64] {
            let version = try #require(try store.version(number, of: "taste"))
            let report = try store.rebuildNeeds(of: version)
            #expect(report.from == 1)
            #expect(report.offsetCount == 10 * (number - 3))
            #expect(report.ranges == [range(0, 30, 30 + 10 * (number - 3) - 1)])
        }
        let left = try #require(try store.version(3, of: "taste"))
        #expect(try store.rebuildNeeds(of: left).from == 1)
        #expect(try store.rebuildNeeds(of: left).ranges == [range(0, 10, 29)])
    }

    @Test func `versions without their files do not count as kept ones`() throws {
        for _ in 1...5 { try version() }
        for number in [4, 5] as [Int64] {
            let version = try #require(try store.version(number, of: "taste"))
            try FileManager.default.removeItem(atPath: store.blobPath(version.blob))
        }
        #expect(try prune(2).pruned == [1])
        #expect(try store.newestVersion(of: "taste")?.number == 3)
        #expect(try store.damagedVersions(of: "taste").map(\.version.number) == [4, 5])
    }

    @Test func `a pruned version is refused by name wherever it could be used`() throws {
        for _ in 1...2 { try version() }
        _ = try prune(1)
        let pruned = try #require(try store.version(1, of: "taste"))
        let blob = try store.writeBlob([[1]])
        let adding = try store.newVersion("taste", epoch: epoch, blob: blob, base: 1)
        let uses: [() throws -> Void] = [
            { _ = try store.chain(of: pruned) },
            { _ = try store.addVersion(adding) },
            { _ = try store.rollback(model: "taste", to: 1, reason: "", at: 0) },
            { try store.setAlias("a", of: "taste", to: 1, reason: "", at: 0) },
        ]
        for use in uses {
            let error = #expect(throws: ModelStoreError.self) { try use() }
            #expect(error?.kind == .missing)
            #expect(error?.message == "version 1 of model \"taste\" has been pruned")
        }
        #expect(errorKind { _ = try store.readBlob(pruned.blob) } == .missing)
    }

    @Test func `a file that several versions or models share stays while one needs it`() throws {
        try store.add("taste", epoch: epoch, content: "same")
        try version()
        let other = try store.beginEpoch(model: "other")
        try store.add("other", epoch: other, content: "same")
        let report = try prune(1)
        #expect(report.pruned == [1])
        #expect(report.deletedFileCount == 0)
        #expect(try store.newestIntact(of: "other") { _ in }?.count == 1)
    }

    @Test func `a file is not taken from a writer that is about to record it`() throws {
        try version()
        let other = try ModelStore(directory: directory.path)
        let blob = try other.writeBlob([[1, 2, 3]])
        // Also a file whose only version is pruned in this moment.
        let same = try other.writeBlob([Array("state 0".utf8)])
        try version()
        #expect(try prune(1).deletedFileCount == 0)
        for blob in [blob, same] {
            let new = try other.newVersion("taste", epoch: epoch, blob: blob)
            #expect(try other.addVersion(new).number > 2)
        }
        #expect(try prune(9).deletedFileCount == 0)
        #expect(files(in: directory.path).count == 3)
    }

    @Test func `a file that was never recorded goes with its writer`() throws {
        do {
            let writer = try ModelStore(directory: directory.path)
            _ = try writer.writeBlob([[1, 2, 3]])
        }
        try version()
        let report = try prune(1)
        #expect(report.deletedFileCount == 1)
        #expect(report.freedByteCount == 3)
        #expect(files(in: directory.path).count == 1)
    }

    @Test func `no version is kept of a policy that keeps none`() throws {
        try version()
        #expect(errorKind { _ = try prune(0) } == .invalid)
        #expect(errorKind { _ = try store.prune(model: "none", keep: .init()) } == .missing)
    }
}
