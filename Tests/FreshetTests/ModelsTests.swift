import Foundation
import ModelStore
import Testing

@testable import freshet

@Suite struct ModelsTests {
    private func withStore(_ body: (ModelStore) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("freshet-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(try ModelStore(directory: directory))
    }

    /// A model that has learned 12,345 events, and the epoch in which it did.
    private func begin(_ store: ModelStore) throws -> Int64 {
        let epoch = try store.beginEpoch(model: "recommender")
        try store.appendJournal(
            model: "recommender",
            epoch: epoch,
            ranges: [OffsetRange(topic: "interactions", partition: 0, first: 0, last: 12_344)]
        )
        return epoch
    }

    private func version(_ store: ModelStore, epoch: Int64) throws -> NewVersion {
        NewVersion(
            model: "recommender",
            epoch: epoch,
            kind: .stateful,
            blob: try store.writeBlob([Array("state".utf8)]),
            base: nil,
            branch: try store.currentBranch(of: "recommender").id,
            settings: #"{"feedback":"implicit","seed":1}"#,
            codeRevision: "abc",
            journalPosition: 12_345,
            nextOffsets: [OffsetPosition(topic: "interactions", partition: 0, offset: 12_345)],
            sequence: 7,
            updateHash: String(repeating: "0", count: 64),
            updatesOffset: 7,
            watermark: 1_704_067_200_000,
            eventCount: 12_345,
            metrics: [("recall@10", 0.25), ("window.recall@10", .nan)],
            createdAt: 1_704_067_300_000
        )
    }

    @Test func `a version is shown with all that is recorded of it`() throws {
        try withStore { store in
            let epoch = try begin(store)
            _ = try store.addVersion(try version(store, epoch: epoch))
            _ = try store.addVersion(try version(store, epoch: epoch))
            let all = try VersionDescription.all(of: "recommender", in: store)
            #expect(all.map(\.version) == [1, 2])
            let newest = try #require(all.last)
            #expect(newest.row[4] == "12,345")
            #expect(newest.row[6] == "recall@10 0.2500")
            #expect(newest.lines.contains("created     2024-01-01T00:01:40Z"))
            #expect(newest.lines.contains("  interactions[0]  12345"))
            #expect(newest.lines.contains("  window.recall@10  not yet"))
            let json = try JSONDecoder().decode(
                JSONDocument.self,
                from: Data(try JSONOutput.line(newest).utf8)
            )
            #expect(json["event_count"] == .integer(12_345))
            #expect(json["settings"]?["feedback"] == .text("implicit"))
            #expect(json["metrics"]?["recall@10"] == .number(0.25))
            #expect(json["problem"] == nil)
        }
    }

    @Test func `a version whose file is gone is shown as damaged`() throws {
        try withStore { store in
            let epoch = try begin(store)
            let added = try store.addVersion(try version(store, epoch: epoch))
            try FileManager.default.removeItem(atPath: store.blobPath(added.blob))
            let description = try VersionDescription.all(of: "recommender", in: store).first
            #expect(description?.problem != nil)
            #expect(description?.row.last == "damaged")
        }
    }
}
