import Foundation
import Testing

@testable import ModelStore

@Suite struct BlobTests {
    let directory: TemporaryDirectory
    let store: ModelStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try ModelStore(directory: directory.path)
    }

    private func overwrite(_ blob: BlobReference, with bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: store.blobPath(blob)))
    }

    @Test func `a file is named by the SHA-256 of its chunks`() throws {
        let blob = try store.writeBlob([Array("ab".utf8), [], Array("c".utf8)])
        // The first test vector of FIPS 180-2.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(blob == BlobReference(hash: hash, byteCount: 3))
        let name = hash.dropFirst(2) + ".safetensors"
        #expect(store.blobPath(blob) == "\(directory.path)/blobs/ba/\(name)")
        #expect(try store.readBlob(blob) == Array("abc".utf8))
    }

    @Test func `a file of no bytes can be written and read`() throws {
        let blob = try store.writeBlob([])
        #expect(blob.byteCount == 0)
        #expect(try store.readBlob(blob).isEmpty)
    }

    @Test func `a large file comes back as it was`() throws {
        let chunks = (0..<5).map { part in
            (0..<100_003).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ part) }
        }
        let blob = try store.writeBlob(chunks)
        #expect(try store.readBlob(blob) == Array(chunks.joined()))
        try store.verify(blob)
    }

    @Test func `content that is written again, in other pieces, has the same name`() throws {
        let blob = try store.writeBlob([[1, 2, 3]])
        #expect(try store.writeBlob([[1], [2, 3]]) == blob)
        #expect(try store.readBlob(blob) == [1, 2, 3])
    }

    @Test func `nothing is left of a file whose writing fails`() throws {
        let reason = ModelStoreError(.other, "no more", remedy: "none")
        let error = #expect(throws: ModelStoreError.self) {
            try store.writeBlob { writer throws(ModelStoreError) in
                try writer.append([1, 2, 3])
                throw reason
            }
        }
        #expect(error == reason)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/blobs")
        #expect(names.isEmpty)
    }

    @Test func `nothing can be appended when the file is finished`() throws {
        var kept: BlobWriter?
        let blob = try store.writeBlob { writer in kept = writer }
        #expect(errorKind { try kept?.append([1]) } == .invalid)
        #expect(try store.readBlob(blob).isEmpty)
    }

    @Test func `a damaged file is replaced when its content is written again`() throws {
        let blob = try store.writeBlob([[1, 2, 3]])
        try overwrite(blob, with: [1, 2, 4])
        #expect(try store.writeBlob([[1, 2, 3]]) == blob)
        #expect(try store.readBlob(blob) == [1, 2, 3])
    }

    @Test(arguments: [[1, 2], [1, 2, 3, 4], [1, 2, 4], []] as [[UInt8]])
    func `a file that is not what was written is damaged`(_ bytes: [UInt8]) throws {
        let blob = try store.writeBlob([[1, 2, 3]])
        try overwrite(blob, with: bytes)
        let error = #expect(throws: ModelStoreError.self) { try store.readBlob(blob) }
        #expect(error?.kind == .damaged)
        #expect(errorKind { try store.verify(blob) } == .damaged)
        #expect(error?.message.contains(store.blobPath(blob)) == true)
    }

    @Test func `a file that is gone is missing`() throws {
        let blob = try store.writeBlob([[1, 2, 3]])
        try FileManager.default.removeItem(atPath: store.blobPath(blob))
        #expect(errorKind { _ = try store.readBlob(blob) } == .missing)
    }

    @Test(arguments: [
        BlobReference(hash: "", byteCount: 0),
        BlobReference(hash: "../../../../etc/passwd", byteCount: 3),
        BlobReference(hash: String(repeating: "A", count: 64), byteCount: 3),
        BlobReference(hash: String(repeating: "a", count: 64), byteCount: -1),
    ])
    func `a reference that names no file is refused`(_ blob: BlobReference) {
        #expect(errorKind { _ = try store.readBlob(blob) } == .invalid)
    }

    @Test func `a wrong size in a reference is found before anything is read`() throws {
        var blob = try store.writeBlob([[1, 2, 3]])
        blob.byteCount = .max
        #expect(errorKind { _ = try store.readBlob(blob) } == .damaged)
    }

    @Test func `what a dead writer left is removed, what a living one writes is not`() throws {
        let abandoned = directory.path + "/blobs/incoming-dead"
        let written = directory.path + "/blobs/incoming-alive"
        try Data([1]).write(to: URL(fileURLWithPath: abandoned))
        let file = try OpenFile(written, O_WRONLY | O_CREAT)
        try file.lock()
        _ = try ModelStore(directory: directory.path)
        #expect(!FileManager.default.fileExists(atPath: abandoned))
        #expect(FileManager.default.fileExists(atPath: written))
        let isLinked = file.isLinked
        #expect(isLinked)
    }
}
