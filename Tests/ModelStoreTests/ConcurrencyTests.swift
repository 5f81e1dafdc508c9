import Foundation
import Synchronization
import Testing

@testable import ModelStore

/// Runs the body on `count` threads at once, and returns what it threw.
func runConcurrently(
    _ count: Int,
    _ body: @Sendable (Int) throws -> Void
) -> [String] {
    let failures = Mutex<[String]>([])
    withoutActuallyEscaping(body) { body in
        DispatchQueue.concurrentPerform(iterations: count) { index in
            do {
                try body(index)
            } catch {
                failures.withLock { $0.append(String(describing: error)) }
            }
        }
    }
    return failures.withLock { $0 }
}

@Suite struct ConcurrencyTests {
    struct Inconsistency: Error {
        let description: String
    }

    @Test func `readers in other connections see whole commits while a trainer writes`() throws {
        let directory = try TemporaryDirectory()
        let isDone = Atomic<Bool>(false)
        let writer = try ModelStore(directory: directory.path)
        let epoch = try writer.beginEpoch(model: "taste")
        let failures = runConcurrently(4) { index in
            if index > 0 {
                let reader = try ModelStore(directory: directory.path)
                while !isDone.load(ordering: .acquiring) {
                    try Self.checkConsistency(of: reader)
                }
                return
            }
            defer { isDone.store(true, ordering: .releasing) }
            for round in 0..<40 as Range<Int64> {
                let ranges = [
                    range(0, round * 5, round * 5 + 4), range(1, round * 3, round * 3 + 2),
                ]
                try writer.appendJournal(model: "taste", epoch: epoch, ranges: ranges)
                try writer.add("taste", epoch: epoch, content: "state \(round)")
            }
        }
        #expect(failures == [])
        #expect(try writer.versions(of: "taste").count == 40)
        #expect(try writer.journalPosition(of: "taste") == 40 * 8)
    }

    @Test func `epochs taken at the same time differ`() throws {
        let directory = try TemporaryDirectory()
        let epochs = Mutex<[Int64]>([])
        let failures = runConcurrently(4) { _ in
            let store = try ModelStore(directory: directory.path)
            for _ in 0..<10 {
                let epoch = try store.beginEpoch(model: "taste")
                epochs.withLock { $0.append(epoch) }
            }
        }
        #expect(failures == [])
        #expect(epochs.withLock { $0.sorted() } == Array(1...40))
    }

    @Test func `writers of the same content at the same time agree on one intact file`() throws {
        let directory = try TemporaryDirectory()
        let content = [UInt8](repeating: 7, count: 1 << 20)
        let failures = runConcurrently(4) { _ in
            let store = try ModelStore(directory: directory.path)
            let blob = try store.writeBlob([content])
            guard try store.readBlob(blob) == content else {
                throw Inconsistency(description: "read other bytes than were written")
            }
        }
        #expect(failures == [])
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/blobs")
        #expect(names.count == 1)
    }

    @Test func `a scorer always finds a whole version while versions come and go`() async throws {
        let directory = try TemporaryDirectory()
        let epoch = try ModelStore(directory: directory.path).beginEpoch(model: "taste")
        async let pruner: Void = Self.pruneInAnotherProcess(directory.path)
        async let scorer: Void = Self.readInAnotherProcess(directory.path)
        let failures = runConcurrently(2) { index in
            let store = try ModelStore(directory: directory.path)
            guard index == 0 else {
                try Self.watch(directory.path, until: 60) { store in
                    _ = try store.prune(model: "taste", keep: RetentionPolicy(newest: 2))
                }
                return
            }
            for number in 1...60 as ClosedRange<Int64> {
                let learned = range(0, number * 4, number * 4 + 3)
                try store.appendJournal(model: "taste", epoch: epoch, ranges: [learned])
                let base = number % 5 == 1 ? nil : number - 1
                // The same content comes again and again, also while its file is being deleted.
                try store.add("taste", epoch: epoch, content: "state \(number % 7)", base: base)
            }
        }
        #expect(failures == [])
        _ = await (pruner, scorer)
        let store = try ModelStore(directory: directory.path)
        #expect(try store.damagedVersions(of: "taste").isEmpty)
        _ = try store.prune(model: "taste", keep: RetentionPolicy(newest: 1))
        #expect(files(in: directory.path).count == 5)
    }

    private static func pruneInAnotherProcess(_ path: String) async {
        await #expect(processExitsWith: .success) { [path = path as String] in
            try ConcurrencyTests.watch(path, until: 60) { store in
                _ = try store.prune(model: "taste", keep: RetentionPolicy(newest: 1))
            }
        }
    }

    private static func readInAnotherProcess(_ path: String) async {
        await #expect(processExitsWith: .success) { [path = path as String] in
            try ConcurrencyTests.watch(path, until: 60) { _ in }
        }
    }

    /// Loads the newest version again and again until there is one of a number.
    private static func watch(
        _ path: String,
        until number: Int64,
        _ body: (ModelStore) throws -> Void
    ) throws {
        let store = try ModelStore(directory: path)
        let deadline = ContinuousClock().now + .seconds(120)
        var hasSeenOne = false
        while ContinuousClock().now < deadline {
            try body(store)
            let chain = try store.newestIntact(of: "taste") { damaged in
                Issue.record("version \(damaged.version.number): \(damaged.problem)")
            }
            guard let chain else {
                guard !hasSeenOne else {
                    throw Inconsistency(description: "there was a version, and then there was none")
                }
                continue
            }
            hasSeenOne = true
            for version in chain {
                // Another may prune it between the search and the reading, but not damage it.
                let kind = errorKind { _ = try store.readBlob(version.blob) }
                guard kind == nil || kind == .missing else {
                    throw Inconsistency(description: "version \(version.number): \(kind as Any)")
                }
            }
            if chain.last?.number == number { return }
        }
        throw Inconsistency(description: "version \(number) never came")
    }

    private static func checkConsistency(of store: ModelStore) throws {
        var end: Int64 = 0
        for entry in try store.journal(of: "taste", from: 0) {
            guard entry.position == end else {
                throw Inconsistency(description: "entry at \(entry.position) instead of \(end)")
            }
            end += entry.range.last - entry.range.first + 1
        }
        guard end % 8 == 0 else {
            throw Inconsistency(description: "half of a commit: \(end) offsets")
        }
        guard let version = try store.newestVersion(of: "taste") else { return }
        _ = try store.readBlob(version.blob)
        guard version.nextOffsets.count == 2, version.journalPosition == version.number * 8 else {
            throw Inconsistency(description: "half of version \(version.number)")
        }
    }
}
