import Foundation
import Testing

@testable import ModelStore

/// What waits on the store's disk to become part of a file.
@Suite struct SpoolTests {
    private func append(_ bytes: [UInt8], to spool: SpoolFile) throws -> Int {
        try bytes.withUnsafeBytes { try spool.append($0) }
    }

    @Test func `what was appended is read again, and no file is ever there to be found`() throws {
        let directory = try TemporaryDirectory()
        let store = try ModelStore(directory: directory.path)
        let spool = try store.makeSpool()
        #expect(try append([1, 2, 3], to: spool) == 0)
        #expect(try append([], to: spool) == 3)
        #expect(try append([4, 5], to: spool) == 3)
        var bytes = [UInt8](repeating: 0, count: 3)
        try bytes.withUnsafeMutableBytes { try spool.read(at: 2, into: $0) }
        #expect(bytes == [3, 4, 5])
        #expect(files(in: directory.path).isEmpty)
        #expect(throws: ModelStoreError.self) {
            try bytes.withUnsafeMutableBytes { try spool.read(at: 3, into: $0) }
        }
        spool.truncate(to: 2)
        #expect(try append([9], to: spool) == 2)
        try bytes.withUnsafeMutableBytes { try spool.read(at: 0, into: $0) }
        #expect(bytes == [1, 2, 9])
    }

    @Test func `a process that dies while it makes a spool leaves nothing that stays`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let path = directory.path
        _ = try ModelStore(directory: path)
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            setenv(FaultPoint.variable, "beforeWrite", 1)
            _ = try ModelStore(directory: path).makeSpool()
        }
        _ = try ModelStore(directory: path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/blobs").isEmpty)
    }
}
