import Foundation
import Testing

@testable import ModelStore

/// A process dies at every place where the store can be left half done.
@Suite struct FaultTests {
    /// Where to die, and what of the steps below is there afterwards.
    struct Death: Codable, Sendable {
        var place: String
        var journalEnd: Int64
        var versions: Int
        var pruned: Int
    }

    static let deaths: [Death] = [
        Death(place: "beforeCommit:1", journalEnd: 30, versions: 3, pruned: 0),
        Death(place: "afterCommit:1", journalEnd: 40, versions: 3, pruned: 0),
        Death(place: "beforeWrite", journalEnd: 40, versions: 3, pruned: 0),
        Death(place: "afterWrite", journalEnd: 40, versions: 3, pruned: 0),
        Death(place: "afterSync", journalEnd: 40, versions: 3, pruned: 0),
        Death(place: "afterRename", journalEnd: 40, versions: 3, pruned: 0),
        Death(place: "beforeCommit:2", journalEnd: 40, versions: 3, pruned: 0),
        Death(place: "afterCommit:2", journalEnd: 40, versions: 4, pruned: 0),
        Death(place: "beforeCommit:3", journalEnd: 40, versions: 4, pruned: 0),
        Death(place: "afterCommit:3", journalEnd: 40, versions: 4, pruned: 3),
        Death(place: "beforeDelete", journalEnd: 40, versions: 4, pruned: 3),
        Death(place: "afterDelete", journalEnd: 40, versions: 4, pruned: 3),
        Death(place: "beforeDelete:2", journalEnd: 40, versions: 4, pruned: 3),
        Death(place: "afterDelete:3", journalEnd: 40, versions: 4, pruned: 3),
    ]

    /// What dies: the journal grows, a version is written, all others are pruned.
    static func work(_ path: String) throws {
        let store = try ModelStore(directory: path)
        try store.appendJournal(model: "taste", epoch: 1, ranges: [range(0, 30, 39)])
        try store.add("taste", epoch: 1, content: "state 4")
        _ = try store.prune(model: "taste", keep: RetentionPolicy(newest: 1))
    }

    private func prepare(_ path: String) throws {
        let store = try ModelStore(directory: path)
        let epoch = try store.beginEpoch(model: "taste")
        for number in 1...3 as ClosedRange<Int64> {
            let learned = range(0, number * 10 - 10, number * 10 - 1)
            try store.appendJournal(model: "taste", epoch: epoch, ranges: [learned])
            try store.add("taste", epoch: epoch, content: "state \(number)")
        }
    }

    @Test(arguments: deaths)
    func `nothing half is visible after a process died at any step`(_ death: Death) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        try prepare(path)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, place = death.place as String] in
            setenv(FaultPoint.variable, place, 1)
            try FaultTests.work(path)
        }

        let store = try ModelStore(directory: path)
        #expect(files(in: path).allSatisfy { !$0.contains("incoming") })
        #expect(try store.journalPosition(of: "taste") == death.journalEnd)
        let end = try store.journal(of: "taste", from: 0).last
        #expect(end.map { $0.position + $0.range.count } == death.journalEnd)
        let versions = try store.versions(of: "taste")
        #expect(versions.count == death.versions)
        #expect(versions.filter(\.isPruned).count == death.pruned)
        for version in versions where !version.isPruned { try store.verify(version.blob) }
        let newest = try store.newestIntact(of: "taste") { damaged in
            Issue.record("version \(damaged.version.number) is damaged")
        }
        #expect(newest?.map(\.number) == [Int64(death.versions)])

        // The same work again ends as if nobody had died, and nothing lies about.
        let next = try store.beginEpoch(model: "taste")
        try store.add("taste", epoch: next, content: "state 4")
        let report = try store.prune(model: "taste", keep: RetentionPolicy(newest: 1))
        #expect(report.kept == [Int64(death.versions) + 1])
        #expect(files(in: path).count == 1)
    }

    @Test func `without a setting nobody dies`() async throws {
        let directory = try TemporaryDirectory()
        try prepare(directory.path)
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            try FaultTests.work(path)
        }
        #expect(try ModelStore(directory: directory.path).versions(of: "taste").count == 4)
    }

    @Test(arguments: ["", "nowhere", "afterSync:0", "afterSync:x", "afterSync:1:2"])
    func `a setting that names no place is refused`(_ setting: String) {
        #expect(errorKind { _ = try FaultPoint(setting) } == .invalid)
    }

    @Test(arguments: ["beforeCommit", "afterCommit"])
    func `a rollback happens wholly or not at all`(_ place: String) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        try prepare(path)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, place = place as String] in
            setenv(FaultPoint.variable, place, 1)
            let store = try ModelStore(directory: path)
            _ = try store.rollback(model: "taste", to: 1, reason: "bad", at: 1)
        }
        let store = try ModelStore(directory: path)
        let happened = place == "afterCommit"
        #expect(try store.branches(of: "taste").count == (happened ? 2 : 1))
        #expect(try store.currentEpoch(model: "taste") == (happened ? 2 : 1))
        #expect(try store.actions(of: "taste").count == (happened ? 1 : 0))
        #expect(try store.newestIntact(of: "taste") { _ in }?.last?.number == (happened ? 1 : 3))
    }
}
