import Foundation
import Learning
import Logging
import ModelStore
import Testing

@testable import Pipeline

/// Parts that wait on a disk, and what becomes of them when it is full.
@Suite struct CheckpointWriterTests {
    /// A file system of 3 MiB in memory with a store, unmounted with this object.
    private final class SmallStore: Sendable {
        let path: String
        let store: ModelStore
        let epoch: Int64

        init() throws {
            path =
                FileManager.default.temporaryDirectory
                .appending(path: "freshet-writer-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )
            guard mount("tmpfs", path, "tmpfs", 0, "size=3m") == 0 else {
                throw TimedOut(what: "mount")
            }
            store = try ModelStore(directory: path)
            epoch = try store.beginEpoch(model: "test")
        }

        deinit {
            umount2(path, Int32(MNT_DETACH))
            try? FileManager.default.removeItem(atPath: path)
        }

        /// Leaves no room.
        func fill() throws {
            _ = FileManager.default.createFile(atPath: path + "/filler", contents: nil)
            let handle = try FileHandle(forWritingTo: URL(filePath: path + "/filler"))
            while (try? handle.write(contentsOf: [UInt8](repeating: 1, count: 4096))) != nil {}
            try handle.close()
        }

        func makeRoom() throws { try #require(truncate(path + "/filler", 0) == 0) }

        func describe(_ blob: BlobReference, _ base: Int64?) -> NewVersion {
            NewVersion(
                model: "test",
                epoch: epoch,
                kind: .stateful,
                blob: blob,
                base: base,
                branch: (try? store.currentBranch(of: "test").id) ?? -1,
                settings: "{}",
                codeRevision: "test",
                journalPosition: 0,
                nextOffsets: [],
                sequence: 0,
                updateHash: String(repeating: "0", count: 64),
                updatesOffset: 0,
                watermark: -1,
                eventCount: 0,
                metrics: [],
                createdAt: 0
            )
        }
    }

    private static var canMount: Bool { (try? SmallStore()) != nil }

    private let layout = StateLayout(tables: [
        StateLayout.Table("table", columns: [.dense("numbers")])
    ])

    /// Rows of 256 bytes.
    private func part(_ rows: Range<Int32>, _ value: Float) -> NamedTensors {
        var part = NamedTensors()
        part["rows/table"] = Tensor(Array(rows))
        part["numbers"] = Tensor(
            [Float](repeating: value, count: rows.count * 64),
            shape: [rows.count, 64]
        )
        return part
    }

    private func last(from oldCount: Int64, to count: Int64) -> NamedTensors {
        var last = part(0..<0, 0)
        last["base/table"] = Tensor([oldCount])
        last["size/table"] = Tensor([count])
        return last
    }

    private func numbers(_ small: SmallStore, _ version: ModelVersion) throws -> [Float] {
        let file = try SafetensorsFile(path: small.store.blobPath(version.blob))
        let numbers: [Float] = try file.values("numbers")
        return stride(from: 0, to: numbers.count, by: 64).map { numbers[$0] }
    }

    @Test(.enabled(if: canMount, "mounting needs root"))
    func `what a full disk has no room for is in the version that is written once there is room`()
        throws
    {
        let small = try SmallStore()
        let writer = CheckpointWriter(
            store: small.store,
            maximumIncrements: 20,
            retention: RetentionPolicy(newest: 10),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try small.fill()
        #expect(throws: PipelineError.self) { try writer.add(part(0..<1000, 1)) }
        #expect(writer.isPartWaiting)
        try small.makeRoom()
        try writer.add(part(500..<1500, 2))
        #expect(!writer.isPartWaiting)
        let first = try writer.complete(
            with: last(from: 0, to: 1500),
            layout: layout,
            describe: { small.describe($0, $1) }
        )
        #expect(first.base == nil)
        let ones = [Float](repeating: 1, count: 500)
        #expect(try numbers(small, first) == ones + [Float](repeating: 2, count: 1000))

        try writer.add(part(100..<200, 4))
        try small.fill()
        #expect(throws: PipelineError.self) {
            try writer.complete(
                with: last(from: 1500, to: 1500),
                layout: layout,
                describe: { small.describe($0, $1) }
            )
        }
        try small.makeRoom()
        #expect(!writer.needsWhole)
        try writer.add(part(0..<10, 3))
        let second = try writer.complete(
            with: last(from: 1500, to: 1500),
            layout: layout,
            describe: { small.describe($0, $1) }
        )
        #expect(second.base == first.number)
        let fours = [Float](repeating: 4, count: 100)
        #expect(try numbers(small, second) == [Float](repeating: 3, count: 10) + fours)
    }
}
