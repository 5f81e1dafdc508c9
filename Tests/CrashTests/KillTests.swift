import Foundation
import ModelStore
import Testing

/// Processes are killed with SIGKILL while events flow; what is left must be as if nothing had
/// happened.
@Suite(.serialized) struct KillTests {
    private static let small = [
        "--set", "model.settings.factors=8", "--set", "model.settings.implicit.negatives=1",
        "--set", "trainer.checkpoint_interval=100ms", "--set", "log.level=notice",
        // A checkpoint's changes are few beside the state, so that many are increments.
        "--set", "model.settings.window_events=100",
    ]

    @Test func `every event counts once when trainer, scorer and broker are killed in turn`()
        throws
    {
        var events = 20_000
        let installation = try Installation()
        try installation.startBroker()
        _ = try installation.run(["topics", "apply"])
        let train = ["train"] + Self.small
        let score = ["score", "--set", "log.level=notice"]
        try installation.start("trainer", train)
        try installation.start("scorer", score)
        try installation.start(
            "events",
            ["events", "generate", "--events", String(events), "--rate", "2500"]
        )
        let store = try ModelStore(directory: installation.store)
        func learned(_ count: Int64) throws {
            try wait("\(count) journalled events (\(installation.log("trainer")))") {
                try store.journalPosition(of: "recommender") >= count
            }
        }
        for round in 1...2 {
            try learned(Int64(round) * 3000)
            installation.kill9("trainer")
            try installation.start("trainer", train)
            try learned(Int64(round) * 3000 + 1000)
            installation.kill9("scorer")
            try installation.start("scorer", score)
            try learned(Int64(round) * 3000 + 2000)
            installation.kill9("broker")
            try installation.startBroker()
        }
        #expect(installation.finish("events") == 0, "\(installation.log("events"))")
        try learned(Int64(events))
        events += try sendUntilIncrement(installation, store, after: events)
        #expect(installation.isRunning("trainer"))
        #expect(installation.isRunning("scorer"), "\(installation.log("scorer"))")

        // The scorer answers with the model that the trainer ends with.
        let answer = try installation.run(["recommend", "u1", "--json", "--timeout", "30s"])
        #expect(answer.contains("\"items\""))
        #expect(installation.stop("scorer") == 0, "\(installation.log("scorer"))")
        #expect(installation.stop("trainer") == 0, "\(installation.log("trainer"))")

        try checkJournal(store, events: Int64(events))
        let newest = try #require(try store.newestVersion(of: "recommender"))
        #expect(newest.eventCount == Int64(events))
        #expect(try store.versions(of: "recommender").contains(where: \.isIncrement))

        // One partition: an uninterrupted run gives the same bytes.
        let report = try installation.run(
            ["train", "--until-end", "--json", "--model", "again"] + Self.small
        )
        #expect(report.contains("\"events\":\(events)"))
        let again = try #require(try store.newestVersion(of: "again"))
        #expect(try state(of: again, in: store) == state(of: newest, in: store))
    }

    /// Sends a few events until a version is an increment, and returns how many.
    ///
    /// On a slow machine each version before took in half of the state, and was a whole file.
    private func sendUntilIncrement(
        _ installation: Installation,
        _ store: ModelStore,
        after events: Int
    ) throws -> Int {
        var sent = 0
        for seed in 2...3
        where try !store.versions(of: "recommender").contains(where: \.isIncrement) {
            let few = ["events", "generate", "--events", "20", "--seed", String(seed)]
            _ = try installation.run(few)
            sent += 20
            try wait("a version with all \(events + sent) events") {
                try store.newestVersion(of: "recommender")?.eventCount == Int64(events + sent)
            }
        }
        return sent
    }

    /// Each offset of each partition is in the journal exactly once.
    private func checkJournal(_ store: ModelStore, events: Int64) throws {
        var next: [Int32: Int64] = [:]
        var count: Int64 = 0
        for entry in try store.journal(of: "recommender", from: 0) {
            let range = entry.range
            #expect(range.first == next[range.partition, default: 0])
            next[range.partition] = range.last + 1
            count += range.last - range.first + 1
        }
        #expect(count == events)
    }
}

extension ModelVersion {
    fileprivate var isIncrement: Bool { self.base != nil }
}
