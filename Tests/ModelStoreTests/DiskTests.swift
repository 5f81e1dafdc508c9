import Foundation
import Testing

@testable import ModelStore

/// Disks that are full or cannot be written.
@Suite struct DiskTests {
    /// A file system of 512 KiB in memory, unmounted with this object.
    private final class SmallDisk {
        let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
            guard mount("tmpfs", directory.path, "tmpfs", 0, "size=512k") == 0 else {
                throw ModelStoreError.system(errno, "mount", directory.path)
            }
        }

        deinit { umount2(directory.path, Int32(MNT_DETACH)) }
    }

    private static var canMount: Bool { (try? SmallDisk()) != nil }

    @Test(.enabled(if: canMount, "mounting needs root"))
    func `a full disk refuses by name, keeps what was, and goes on when there is room`() throws {
        let disk = try SmallDisk()
        let path = disk.directory.path
        let store = try ModelStore(directory: path)
        let epoch = try store.beginEpoch(model: "taste")
        try store.appendJournal(model: "taste", epoch: epoch, ranges: [range(0, 0, 9)])
        try store.add("taste", epoch: epoch, content: "state")
        #expect(
            errorKind { _ = try store.writeBlob([Array(repeating: 1, count: 1 << 20)]) } == .full
        )
        #expect(files(in: path).count == 1)

        let filler = URL(fileURLWithPath: path + "/filler")
        #expect(FileManager.default.createFile(atPath: filler.path, contents: nil))
        let handle = try FileHandle(forWritingTo: filler)
        while (try? handle.write(contentsOf: [UInt8](repeating: 1, count: 4096))) != nil {}
        try handle.close()
        var kind: ModelStoreError.Kind?
        var next: Int64 = 10
        while kind == nil, next < 10_000 {
            // With gaps, so that every call adds a row.
            kind = errorKind {
                let learned = (0..<50).map { range(0, next + $0 * 2, next + $0 * 2) }
                try store.appendJournal(model: "taste", epoch: epoch, ranges: learned)
            }
            if kind == nil { next += 100 }
        }
        #expect(kind == .full)
        let end = try store.journalPosition(of: "taste")
        #expect(end == 10 + (next - 10) / 2)
        #expect(try store.newestIntact(of: "taste") { _ in }?.count == 1)

        // Emptied, not removed: a process that another test has started may hold it open.
        try #require(truncate(filler.path, 0) == 0)
        try store.appendJournal(model: "taste", epoch: epoch, ranges: [range(0, next, next)])
        #expect(try store.journalPosition(of: "taste") == end + 1)
        #expect(try store.add("taste", epoch: epoch, content: "more").number == 2)
    }

    @Test(.enabled(if: canMount, "mounting needs root"))
    func `a spool that finds no room keeps what it has, and goes on when there is some`() throws {
        let disk = try SmallDisk()
        let spool = try ModelStore(directory: disk.directory.path).makeSpool()
        let piece = [UInt8](repeating: 7, count: 64 << 10)
        var kind: ModelStoreError.Kind?
        while kind == nil {
            kind = errorKind { _ = try piece.withUnsafeBytes { try spool.append($0) } }
        }
        #expect(kind == .full)
        let pieceCount = spool.byteCount / piece.count
        #expect(pieceCount > 0)
        #expect(spool.byteCount == pieceCount * piece.count)
        var bytes = [UInt8](repeating: 0, count: piece.count)
        try bytes.withUnsafeMutableBytes {
            try spool.read(at: (pieceCount - 1) * piece.count, into: $0)
        }
        #expect(bytes == piece)
        spool.truncate(to: 0)
        #expect(try piece.withUnsafeBytes { try spool.append($0) } == 0)
    }

    @Test func `a file that may not grow refuses by name, and leaves nothing`() async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            let store = try ModelStore(directory: path)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let content = [UInt8](repeating: 1, count: 3 << 20)
            try #require(errorKind { _ = try store.writeBlob([content]) } == .full)
            try #require(files(in: path).isEmpty)
        }
    }

    /// In a process that gives up root's rights, which no permission binds.
    @Test func `a store that cannot be written is refused by name`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        _ = try ModelStore(directory: path).beginEpoch(model: "taste")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: path) + [""]
        for file in paths { chmod("\(path)/\(file)", 0o555) }
        defer { for file in paths { chmod("\(path)/\(file)", 0o755) } }
        await #expect(processExitsWith: .success) { [path = path as String] in
            if getuid() == 0 { try #require(setuid(65_534) == 0) }
            let kind = errorKind { _ = try ModelStore(directory: path) }
            try #require(kind == .notWritable)
        }
    }
}
