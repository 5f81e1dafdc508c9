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
