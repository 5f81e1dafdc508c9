import Foundation
import Learning
import ModelStore
import Pipeline

/// Learns a version anew, and compares the state with the version's.
struct VersionRebuild {
    /// What came of it.
    struct Outcome: Encodable {
        let model: String
        let version: Int64
        /// Hash of the version's whole state; nil when its files are gone or damaged.
        let storedHash: String?
        let rebuiltHash: String
        /// Whether they are the same; nil when there is nothing to compare with.
        let isEqual: Bool?
        let records: Int64
        let events: Int64
        let seconds: Double
        /// Why there is no stored hash.
        let problem: String?

        private enum CodingKeys: String, CodingKey {
            case model, version, storedHash, rebuiltHash, records, events, seconds, problem
            case isEqual = "equal"
        }

        var lines: [String] {
            [
                "stored   \(storedHash ?? "none: \(problem ?? "")")",
                "rebuilt  \(rebuiltHash)",
                (isEqual.map { $0 ? "equal" : "different" } ?? "nothing to compare with")
                    + ": \(grouped(events)) events learned from \(grouped(records)) records in "
                    + String(format: "%.1f s", seconds),
            ]
        }
    }

    private let version: ModelVersion
    private let effective: EffectiveConfiguration
    private let store: ModelStore

    init(
        _ version: ModelVersion,
        _ effective: EffectiveConfiguration,
        _ store: ModelStore
    ) throws {
        self.version = version
        self.effective = effective
        self.store = store
    }

    /// Learns it; writes the state to a file if there is to be one.
    func run(output: String?) throws -> Outcome {
        let lineage = try store.lineage(of: version)
        let settings = try VersionLearner.settings(of: version)
        let source = try effective.source(of: lineage)
        let stored = try storedState()
        let rebuild = Rebuild(lineage, source: source)
        let start = ContinuousClock.now
        let learned = try VersionLearner.learn(
            rebuild,
            settings: settings,
            duplicateWindow: stored.duplicateWindow
                ?? effective.configuration.trainer.duplicateWindow
        )
        let state = try WholeState(learned.tensors)
        if let output { try StateFile.write(state.file, to: output) }
        return Outcome(
            model: version.model,
            version: version.number,
            storedHash: stored.hash,
            rebuiltHash: state.hash,
            isEqual: stored.hash.map { $0 == state.hash },
            records: rebuild.recordCount,
            events: learned.eventCount,
            seconds: (ContinuousClock.now - start) / .seconds(1),
            problem: stored.problem
        )
    }

    /// The hash of what the version's files hold, or why there is none.
    private func storedState() throws -> (hash: String?, duplicateWindow: Int?, problem: String?) {
        do {
            let state = try VersionLearner.load(version, from: store)
            return (try WholeState(state.tensors).hash, state.duplicateWindow, nil)
        } catch let error as ModelStoreError where error.kind == .missing || error.kind == .damaged
        {
            // The file of a whole state was named by the hash of the state.
            return (version.base == nil ? version.blob.hash : nil, nil, error.message)
        }
    }
}
