import Foundation
import Testing

@testable import ModelStore

@Suite struct VersionTests {
    let directory: TemporaryDirectory
    let store: ModelStore
    let epoch: Int64

    init() throws {
        directory = try TemporaryDirectory()
        store = try ModelStore(directory: directory.path)
        epoch = try store.beginEpoch(model: "taste")
    }

    @Test func `everything that was recorded comes back`() throws {
        try store.appendJournal(model: "taste", epoch: epoch, ranges: [range(0, 0, 9)])
        let blob = try store.writeBlob([[1, 2, 3]])
        var new = try store.newVersion("taste", epoch: epoch, blob: blob, settings: "{\"k\":64}")
        new.kind = .retrained
        new.metrics = [("recall@10", 0.25), ("mrr", 0.125), ("a", -1)]
        let added = try store.addVersion(new)
        let found = try #require(try store.version(1, of: "taste"))
        for version in [added, found] {
            #expect(version.number == 1)
            #expect(version.parent == nil)
            #expect(version.model == "taste")
            #expect(version.epoch == 1)
            #expect(version.kind == .retrained)
            #expect(version.blob == blob)
            #expect(version.settings == "{\"k\":64}")
            #expect(version.codeRevision == "test")
            #expect(version.journalPosition == 10)
            #expect(version.nextOffsets == new.nextOffsets)
            #expect(version.sequence == 7)
            #expect(version.updateHash == "abc")
            #expect(version.updatesOffset == 42)
            #expect(version.watermark == 1_700_000_000_000)
            #expect(version.eventCount == 30)
            #expect(version.metrics.map(\.name) == ["recall@10", "mrr", "a"])
            #expect(version.metrics.map(\.value) == [0.25, 0.125, -1])
            #expect(version.createdAt == 1_700_000_000_123)
        }
    }

    @Test func `versions are numbered per model, each with the one before it as parent`() throws {
        let otherEpoch = try store.beginEpoch(model: "other")
        try store.add("taste", epoch: epoch, content: "one")
        try store.add("other", epoch: otherEpoch, content: "one")
        try store.add("taste", epoch: epoch, content: "two")
        let versions = try store.versions(of: "taste")
        #expect(versions.map(\.number) == [1, 2])
        #expect(versions.map(\.parent) == [nil, 1])
        #expect(try store.versions(of: "other").map(\.number) == [1])
        #expect(try store.newestVersion(of: "taste")?.number == 2)
        #expect(try store.version(3, of: "taste") == nil)
        #expect(try store.version(1, of: "unknown") == nil)
        #expect(try store.newestVersion(of: "unknown") == nil)
    }

    @Test func `metrics that are not finite come back as not a number`() throws {
        let blob = try store.writeBlob([[1]])
        let metrics =
            [("a", .nan), ("b", .infinity), ("c", -.infinity), ("d", 1)]
            as [(name: String, value: Double)]
        let new = try store.newVersion("taste", epoch: epoch, blob: blob, metrics: metrics)
        let version = try store.addVersion(new)
        #expect(version.metrics.map(\.value.isNaN) == [true, true, true, false])
    }

    @Test func `a file without a version is no version`() throws {
        try store.add("taste", epoch: epoch, content: "one")
        // As after a crash between writing the file and recording it.
        _ = try store.writeBlob([Array("two".utf8)])
        let reopened = try ModelStore(directory: directory.path)
        #expect(try reopened.versions(of: "taste").count == 1)
        let again = try reopened.add("taste", epoch: epoch, content: "two")
        #expect(again.number == 2)
    }

    @Test func `a version whose file is not there is not recorded`() throws {
        let blob = BlobReference(hash: String(repeating: "0", count: 64), byteCount: 1)
        let new = try store.newVersion("taste", epoch: epoch, blob: blob)
        #expect(errorKind { _ = try store.addVersion(new) } == .missing)
        #expect(try store.versions(of: "taste").isEmpty)
    }

    @Test func `a version that fails half-way leaves nothing`() throws {
        let blob = try store.writeBlob([[1]])
        var new = try store.newVersion("taste", epoch: epoch, blob: blob)
        new.nextOffsets.append(new.nextOffsets[0])
        #expect(throws: ModelStoreError.self) { try store.addVersion(new) }
        #expect(try store.versions(of: "taste").isEmpty)
        #expect(try store.newestVersion(of: "taste") == nil)
        #expect(try store.add("taste", epoch: epoch, content: "next").number == 1)
    }

    @Test(arguments: [-1, 11, Int64.max])
    func `a version of more than the journal holds is refused`(_ position: Int64) throws {
        try store.appendJournal(model: "taste", epoch: epoch, ranges: [range(0, 0, 9)])
        let blob = try store.writeBlob([[1]])
        let new = try store.newVersion(
            "taste",
            epoch: epoch,
            blob: blob,
            journalPosition: position
        )
        #expect(errorKind { _ = try store.addVersion(new) } == .invalid)
    }

    @Test func `a version of an older trainer is refused`() throws {
        let blob = try store.writeBlob([[1]])
        let late = try store.newVersion("taste", epoch: epoch, blob: blob)
        let other = try ModelStore(directory: directory.path)
        let next = try other.beginEpoch(model: "taste")
        try other.add("taste", epoch: next, content: "two")
        #expect(errorKind { _ = try store.addVersion(late) } == .fenced)
        #expect(try store.versions(of: "taste").map(\.epoch) == [2])
    }

    @Test func `the newest version passes over missing and truncated files, and says so`() throws {
        for number in 1...4 {
            try store.add("taste", epoch: epoch, content: "state \(number)")
        }
        let versions = try store.versions(of: "taste")
        let missing = store.blobPath(versions[3].blob)
        let truncated = store.blobPath(versions[2].blob)
        try FileManager.default.removeItem(atPath: missing)
        #expect(truncate(truncated, 3) == 0)
        #expect(try store.newestVersion(of: "taste")?.number == 2)
        let damaged = try store.damagedVersions(of: "taste")
        #expect(damaged.map(\.version.number) == [3, 4])
        #expect(damaged.map(\.problem.kind) == [.damaged, .missing])
        #expect(damaged.first?.problem.message.contains(truncated) == true)
        #expect(try store.add("taste", epoch: epoch, content: "state 5").number == 5)
    }

    @Test func `aliases point at versions that exist, and every move is kept`() throws {
        try store.add("taste", epoch: epoch, content: "one")
        try store.add("taste", epoch: epoch, content: "two")
        try store.setAlias("champion", of: "taste", to: 1, reason: "first", at: 1000)
        try store.setAlias("shadow", of: "taste", to: 2, reason: "try it", at: 2000)
        try store.setAlias("champion", of: "taste", to: 2, reason: "better", at: 3000)
        #expect(
            errorKind {
                try store.setAlias("champion", of: "taste", to: 3, reason: "typo", at: 4000)
            } == .missing
        )
        #expect(
            errorKind {
                try store.setAlias("the best", of: "taste", to: 1, reason: "typo", at: 4000)
            } == .invalid
        )
        let reopened = try ModelStore(directory: directory.path)
        #expect(
            try reopened.aliases(of: "taste") == [
                ModelAlias(name: "champion", version: 2), ModelAlias(name: "shadow", version: 2),
            ]
        )
        let actions = try reopened.actions(of: "taste")
        #expect(actions.map(\.kind) == [.promote, .promote, .promote])
        #expect(actions.map(\.alias) == ["champion", "shadow", "champion"])
        #expect(actions.map(\.previous) == [nil, nil, 1])
        #expect(actions.map(\.version) == [1, 2, 2])
        #expect(actions.map(\.reason) == ["first", "try it", "better"])
        #expect(actions.map(\.at) == [1000, 2000, 3000])
        #expect(try reopened.aliases(of: "unknown").isEmpty)
    }
}
