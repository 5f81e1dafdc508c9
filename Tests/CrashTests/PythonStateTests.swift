import Foundation
import ModelStore
import Testing

/// What Python's safetensors and numpy make of the files of a store.
@Suite(.serialized) struct PythonStateTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The standard output of a script of Tests/Reference, which must succeed.
    private func run(_ script: String, _ arguments: [String]) throws -> String {
        let python = Self.root.appendingPathComponent(".venv/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else {
            throw Failure("there is no \(python.path): run \"make test\", which makes it")
        }
        let process = Process()
        process.executableURL = python
        process.arguments =
            [Self.root.appendingPathComponent("Tests/Reference/\(script)").path] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("\(script) \(arguments) ended with \(process.terminationStatus): \(text)")
        }
        return text
    }

    /// Explicit feedback has other tensors; with a limit on memory rows are freed and used again,
    /// and tables shrink.
    @Test(arguments: ["implicit", "explicit"], ["0B", "320KiB"])
    func `whole files and increments are the state that the trainer had`(
        feedback: String,
        limit: String
    ) throws {
        let installation = try Installation()
        try installation.startBroker()
        _ = try installation.run(["topics", "apply"])
        let train = [
            "train", "--until-end", "--set", "model.settings.feedback=\(feedback)",
            "--set", "model.settings.memory.limit=\(limit)", "--set", "model.settings.factors=8",
            "--set", "model.settings.implicit.negatives=2", "--set", "trainer.batch_size=100",
            "--set", "model.settings.window_events=100", "--set", "trainer.checkpoint_events=300",
            "--set", "trainer.duplicate_window=500", "--set", "store.keep_versions=1000",
        ]
        // Each run ends with a version: after few events, an increment.
        for seed in 1...6 {
            _ = try installation.run([
                "events", "generate", "--events", seed == 1 ? "6000" : "300", "--users", "3000",
                "--items", "300", "--seed", String(seed), "--ratings",
            ])
            _ = try installation.run(train)
        }
        let store = try ModelStore(directory: installation.store)
        #expect(try run("check_blobs.py", [installation.store]).contains(" 0 damaged"))

        let versions = try store.versions(of: "recommender")
        let increments = versions.filter { $0.base != nil }
        #expect(increments.count >= 3)
        #expect(versions.contains { $0.base == nil && $0.eventCount > 0 })
        let newest = try #require(versions.last)
        if limit != "0B" {
            let evicted = newest.metrics.first { $0.name == "evicted.users" }?.value ?? 0
            #expect(evicted > 0)
        }
        for version in increments.suffix(4) {
            let whole = "\(installation.folder)/whole-\(version.number).safetensors"
            _ = try installation.run(["models", "export", String(version.number), whole])
            let files = try store.chain(of: version).map { store.blobPath($0.blob) }
            #expect(files.count > 1)
            let told = try run("apply_increments.py", files + ["--equals", whole])
            #expect(told.contains("\n0 tensors differ"), "\(told)")
        }
    }
}
