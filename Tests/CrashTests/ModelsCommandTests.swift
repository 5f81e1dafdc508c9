import Foundation
import ModelStore
import Testing

/// What operators do to a model while it learns, with the program's own commands.
@Suite(.serialized) struct ModelsCommandTests {
    private static let small = [
        "--set", "model.settings.factors=8", "--set", "model.settings.implicit.negatives=5",
        "--set", "trainer.checkpoint_interval=500ms", "--set", "store.keep_versions=1000",
        "--set", "log.level=notice",
    ]

    /// The fields of a JSON object that the tests look at.
    private struct Result: Decodable {
        var equal: Bool?
        var rebuilt_hash: String?
        var stored_hash: String?
        var version: Int64?
        var hash: String?
        var taken_up: Bool?
        var events: Int64?
        var users: [User]?

        struct User: Decodable {
            var hash: String
            var events_left_out: Int
        }
    }

    private func run(_ installation: Installation, _ arguments: [String]) throws -> Result {
        let text = try installation.run(["models"] + arguments + ["--json"])
        return try JSONDecoder().decode(Result.self, from: Data(text.utf8))
    }

    private func send(_ installation: Installation, _ count: Int, seed: Int) throws {
        _ = try installation.run([
            "events", "generate", "--events", String(count), "--users", "200", "--items", "200",
            "--seed", String(seed),
        ])
    }

    /// The newest version of the branch that the model is on.
    private func newest(_ store: ModelStore) throws -> ModelVersion? {
        let branch = try store.currentBranch(of: "recommender").id
        return try store.newestVersion(of: "recommender").flatMap { $0.branch == branch ? $0 : nil }
    }

    @Test func `versions of every branch can be rebuilt, and events be left out while it learns`()
        throws
    {
        let installation = try Installation()
        try installation.startBroker()
        _ = try installation.run(["topics", "apply"])
        let train = ["train"] + Self.small
        try installation.start("trainer", train)
        try installation.start("scorer", ["score", "--set", "log.level=notice"])
        let store = try ModelStore(directory: installation.store)
        func learned(_ count: Int64) throws {
            try wait("\(count) journalled events (\(installation.log("trainer")))") {
                try store.journalPosition(of: "recommender") >= count
            }
        }
        func checkpointed(_ events: Int64) throws -> ModelVersion {
            try self.checkpointed(events, installation, store)
        }

        try send(installation, 3000, seed: 1)
        try learned(3000)
        let first = try checkpointed(3000)
        try send(installation, 1000, seed: 2)
        try learned(3500)
        installation.kill9("trainer")
        try installation.start("trainer", train)
        let second = try checkpointed(4000)
        let back = try run(
            installation,
            ["rollback", String(first.number), "--wait", "60s", "--reason", "a test"]
        )
        #expect(back.taken_up == true, "\(installation.log("trainer"))")
        try send(installation, 500, seed: 3)
        let third = try checkpointed(3500)
        for version in [first, second, third] {
            let rebuilt = try run(installation, ["rebuild", String(version.number)])
            #expect(rebuilt.equal == true)
            #expect(rebuilt.rebuilt_hash == rebuilt.stored_hash)
        }

        try leaveOut(installation, store)
        #expect(installation.stop("trainer") == 0, "\(installation.log("trainer"))")
        #expect(installation.stop("scorer") == 0, "\(installation.log("scorer"))")
    }

    /// Waits for a version of the model's branch that has learned so many events.
    private func checkpointed(
        _ events: Int64,
        _ installation: Installation,
        _ store: ModelStore
    ) throws -> ModelVersion {
        try wait("a version with \(events) events (\(installation.log("trainer")))") {
            try newest(store)?.eventCount == events
        }
        return try #require(try newest(store))
    }

    /// Of 3500 events that the running trainer has learned, leaves out a range and a user.
    private func leaveOut(_ installation: Installation, _ store: ModelStore) throws {
        let without = try run(
            installation,
            ["rebuild", "latest", "--without", "0:100-199", "--wait", "60s"]
        )
        #expect(without.taken_up == true, "\(installation.log("trainer"))")
        #expect(without.events == 3400)
        let certificate = try run(
            installation,
            ["rebuild", "latest", "--without-user", "u1", "--wait", "60s"]
        )
        #expect(certificate.taken_up == true, "\(installation.log("trainer"))")
        let leftOut = try #require(certificate.users?.first?.events_left_out)
        #expect(leftOut > 0)
        #expect(certificate.events == 3400 - Int64(leftOut))
        for done in [without, certificate] {
            let again = try run(installation, ["rebuild", String(try #require(done.version))])
            #expect(again.rebuilt_hash == done.hash)
        }

        // It goes on, and the scorer with it.
        try send(installation, 500, seed: 4)
        let last = try checkpointed(3900 - Int64(leftOut), installation, store)
        let answer = try installation.run(["recommend", "u2", "--json", "--timeout", "60s"])
        #expect(answer.contains("\"items\""))
        _ = try installation.run(["models", "why", answer])
        #expect(try run(installation, ["rebuild", String(last.number)]).equal == true)
        _ = try installation.run(["models", "verify"])
        let history = try installation.run(["models", "history"])
        #expect(history.contains("rollback") && history.contains("rebuild"))
    }
}
