import Foundation
import GRDB
import Testing

@testable import ModelStore

@Suite struct OpeningTests {
    @Test func `a missing directory is created for this user alone`() throws {
        let parent = try TemporaryDirectory()
        let path = parent.path + "/a/b/store"
        let store = try ModelStore(directory: path)
        #expect(store.directory == path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    }

    @Test func `commits are flushed to the disk before a call returns`() throws {
        let directory = try TemporaryDirectory()
        let store = try ModelStore(directory: directory.path)
        #expect(try store.writerSynchronousLevel() == 2)
        let mode = try store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        #expect(mode == "wal")
    }

    @Test func `what was recorded is there when the store is opened again`() throws {
        let directory = try TemporaryDirectory()
        do {
            let store = try ModelStore(directory: directory.path)
            let epoch = try store.beginEpoch(model: "taste")
            try store.appendJournal(model: "taste", epoch: epoch, ranges: [range(0, 0, 9)])
            try store.add("taste", epoch: epoch, content: "state")
        }
        let store = try ModelStore(directory: directory.path)
        #expect(try store.models() == ["taste"])
        #expect(try store.currentEpoch(model: "taste") == 1)
        #expect(try store.journalPosition(of: "taste") == 10)
        let version = try #require(try store.newestVersion(of: "taste"))
        #expect(try store.readBlob(version.blob) == Array("state".utf8))
    }

    @Test(arguments: ["/file/store", "/file"])
    func `a path that is or leads through a file is not writable`(_ suffix: String) throws {
        let parent = try TemporaryDirectory()
        try Data().write(to: URL(fileURLWithPath: parent.path + "/file"))
        let error = #expect(throws: ModelStoreError.self) {
            try ModelStore(directory: parent.path + suffix)
        }
        #expect(error?.kind == .notWritable)
        #expect(error?.message.contains(parent.path + "/file") == true)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self")))
    func `a file system that takes no directories is not writable`() {
        #expect(errorKind { _ = try ModelStore(directory: "/proc/freshet-store") } == .notWritable)
    }

    @Test func `an empty path is refused`() {
        #expect(throws: ModelStoreError.self) { try ModelStore(directory: "") }
    }

    @Test func `a file that is no database is reported as damaged`() throws {
        let directory = try TemporaryDirectory()
        let database = URL(fileURLWithPath: directory.path + "/store.sqlite")
        try Data(repeating: 0x41, count: 8192).write(to: database)
        #expect(errorKind { _ = try ModelStore(directory: directory.path) } == .damaged)
    }

    @Test func `a store made by a newer program is refused`() throws {
        let directory = try TemporaryDirectory()
        do {
            let store = try ModelStore(directory: directory.path)
            try store.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('from the future')")
            }
        }
        let error = #expect(throws: ModelStoreError.self) {
            try ModelStore(directory: directory.path)
        }
        #expect(error?.message.contains("newer") == true)
    }

    @Test func `a full disk is named as such, and nothing half is left`() throws {
        let directory = try TemporaryDirectory()
        let store = try ModelStore(directory: directory.path)
        let epoch = try store.beginEpoch(model: "taste")
        let blob = try store.writeBlob([[1]])
        // SQLite reports the same code when the disk has no room for another page.
        try store.write { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        let settings = String(repeating: "x", count: 1_000_000)
        let version = try store.newVersion("taste", epoch: epoch, blob: blob, settings: settings)
        #expect(errorKind { _ = try store.addVersion(version) } == .full)
        #expect(try store.versions(of: "taste").isEmpty)
        #expect(ModelStoreError.system(ENOSPC, "write", "x").kind == .full)
    }

    @Test func `many that open a new store at once all succeed`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/store"
        let failures = runConcurrently(8) { _ in
            _ = try ModelStore(directory: path).beginEpoch(model: "taste")
        }
        #expect(failures.isEmpty)
        #expect(try ModelStore(directory: path).currentEpoch(model: "taste") == 8)
    }

    @Test(arguments: ["", "a/b", "..\\", "a b", "ä", "a\n", String(repeating: "a", count: 101)])
    func `a name with other characters is refused`(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let store = try ModelStore(directory: directory.path)
        #expect(errorKind { _ = try store.beginEpoch(model: name) } == .invalid)
        #expect(errorKind { _ = try store.newestVersion(of: name) } == .invalid)
    }

    @Test(arguments: ["a", "Model-1.2_x", String(repeating: "a", count: 100)])
    func `a plain name is accepted`(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let store = try ModelStore(directory: directory.path)
        #expect(try store.beginEpoch(model: name) == 1)
        #expect(try store.models() == [name])
    }

    @Test(arguments: [
        ("s", ""), ("a/b", "a"), ("a//b/", "a"), ("/a", "/"), ("/", ""), ("/a/b/c", "/a/b"),
        ("", ""), ("../s", ".."),
    ])
    func `a path's directory is found, however short the path`(path: String, expected: String) {
        #expect(OpenFile.parent(of: path) == expected)
    }
}
