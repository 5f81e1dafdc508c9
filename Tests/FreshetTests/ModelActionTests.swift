import Foundation
import ModelStore
import Testing

@testable import freshet

/// What `freshet models` makes of its arguments and of the store, without a log.
@Suite struct ModelActionTests {
    private func withStore(_ body: (ModelStore) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("freshet-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try ModelStore(directory: directory)
        let epoch = try store.beginEpoch(model: "m")
        try store.appendJournal(
            model: "m",
            epoch: epoch,
            ranges: [OffsetRange(topic: "interactions", partition: 0, first: 0, last: 99)]
        )
        for number in 1...3 { try add(store, epoch, number) }
        try body(store)
    }

    /// A whole version, and increments on it.
    private func add(_ store: ModelStore, _ epoch: Int64, _ number: Int) throws {
        _ = try store.addVersion(
            NewVersion(
                model: "m",
                epoch: epoch,
                kind: .stateful,
                blob: try store.writeBlob([Array("state \(number)".utf8)]),
                base: number == 1 ? nil : Int64(number - 1),
                branch: try store.currentBranch(of: "m").id,
                settings: "{}",
                codeRevision: "abc",
                journalPosition: Int64(number * 10),
                nextOffsets: [],
                sequence: 0,
                updateHash: String(repeating: "0", count: 64),
                updatesOffset: 0,
                watermark: -1,
                eventCount: Int64(number * 10),
                metrics: [],
                createdAt: 0
            )
        )
    }

    @Test func `a range to leave out is read with and without a topic`() throws {
        let range = OffsetRange(topic: "t", partition: 3, first: 10, last: 20)
        #expect(try ExcludedOffsets.parse("3:10-20", topic: "t") == range)
        #expect(try ExcludedOffsets.parse("t/3:10-20", topic: "other") == range)
        #expect(ExcludedOffsets.text(range) == "t/3:10-20")
        for text in [
            "", "3", "3:10", "3:20-10", "-1:1-2", "x:1-2", "/3:1-2", "0:1-99999999999999999999",
        ] {
            let failure = #expect(throws: CommandFailure.self, "\(text)") {
                try ExcludedOffsets.parse(text, topic: "t")
            }
            #expect(failure?.status == .misuse)
        }
    }

    @Test func `a version is named by number, latest or alias`() throws {
        try withStore { store in
            try store.setAlias("champion", of: "m", to: 2, reason: "", at: 0)
            #expect(try store.version(named: "1", of: "m").number == 1)
            #expect(try store.version(named: "champion", of: "m").number == 2)
            #expect(try store.version(named: "latest", of: "m").number == 3)
            for text in ["4", "challenger", ""] {
                #expect(throws: CommandFailure.self) { try store.version(named: text, of: "m") }
            }
            #expect(throws: CommandFailure.self) { try store.requireModel("none") }
        }
    }

    @Test func `a damaged file damages every version that adds to it, and no other`() throws {
        try withStore { store in
            let versions = try store.versions(of: "m")
            var check = VersionCheck(store)
            #expect(
                try versions.map { try check.look(at: $0).state } == [.intact, .intact, .intact]
            )
            // Same size: only the hash tells.
            try Data("state X".utf8).write(
                to: URL(fileURLWithPath: store.blobPath(versions[1].blob))
            )
            var again = VersionCheck(store)
            let findings = try versions.map { try again.look(at: $0) }
            #expect(findings.map(\.state) == [.intact, .damaged, .damaged])
            #expect(findings[2].problem?.hasPrefix("adds to version 2: ") == true)
        }
    }

    @Test func `what would be pruned is pruned, and nothing else`() throws {
        try withStore { store in
            let policy = RetentionPolicy(newest: 1)
            let plan = try store.prunable(model: "m", keep: policy)
            // Version 3 adds to 2, which adds to 1.
            #expect(plan.kept == [1, 2, 3])
            let epoch = try store.currentEpoch(model: "m")
            try add(store, epoch, 1)
            let next = try store.prunable(model: "m", keep: policy)
            #expect(next.pruned == [1, 2, 3])
            #expect(try store.versions(of: "m").allSatisfy { !$0.isPruned })
            #expect(try store.prune(model: "m", keep: policy).pruned == next.pruned)
        }
    }

    @Test func `a control event has the fields of the topic's schema`() throws {
        try withStore { store in
            try store.setAlias("champion", of: "m", to: 1, reason: "", at: 5)
            try store.setAlias("champion", of: "m", to: 2, reason: "better", at: 6)
            let event = ActionReport(try store.newestAction(of: "m"), of: "m").controlEvent
            let json = try JSONDecoder().decode(
                JSONDocument.self,
                from: Data(try JSONOutput.line(event).utf8)
            )
            #expect(
                json
                    == .object([
                        "model": .text("m"), "action": .text("promote"), "version": .integer(2),
                        "alias": .text("champion"), "previous": .integer(1),
                        "reason": .text("better"), "at": .integer(6),
                    ])
            )
            let declaration = try #require(
                try TopicDeclarations.builtIn().first { $0.role == .control }
            )
            guard case .object(let fields) = json,
                case .object(let properties) = declaration.schema?["properties"]
            else { throw CancellationError() }
            #expect(Set(fields.keys) == Set(properties.keys))
        }
    }
}
