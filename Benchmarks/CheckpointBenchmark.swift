import Foundation
import Learning
import Recommendation

/// A checkpoint of a large model in parts, the file it becomes, and loading it again.
///
/// Every figure is CPU time, in milliseconds, unless it says bytes.
final class CheckpointBenchmark<L: Learner> where L.Settings == RecommenderSettings {
    let settings: RecommenderSettings
    let users: Int
    let items: Int
    private(set) var figures: [String: Double] = [:]

    init(_ learner: L.Type, settings: RecommenderSettings, users: Int, items: Int) {
        self.settings = settings
        self.users = users
        self.items = items
    }

    /// Measures into `folder`: a first whole file, then an increment of a tenth of the users.
    func run(in folder: String) throws {
        let learner = try L(settings: settings)
        learn(learner, users: 0..<users)
        let whole = "\(folder)/whole.safetensors"
        let increment = "\(folder)/increment.safetensors"
        let first = parts(of: learner, "first", isLearning: false)
        try time("first.write_whole") {
            try write(StateMerge(of: first, onto: nil, layout: learner.layout), to: whole)
        }
        learn(learner, users: 0..<(users / 10))
        let changes = parts(of: learner, "increment", isLearning: false)
        try time("increment.write") {
            try write(StateMerge(of: changes, layout: learner.layout), to: increment)
        }
        try time("increment.write_whole") {
            let base = try SafetensorsFile(path: whole)
            try write(
                StateMerge(of: changes, onto: base, layout: learner.layout),
                to: "\(whole).2"
            )
        }
        figures["state_bytes"] = try Self.byteCount("\(whole).2")
        figures["increment_bytes"] = try Self.byteCount(increment)
        learn(learner, users: 0..<20_000)
        _ = parts(of: learner, "live", isLearning: true)
    }

    /// Loads what `run` wrote: best in a process of its own, so that the memory is its own.
    func load(from folder: String) throws {
        figures["whole_bytes"] = try Self.byteCount("\(folder)/whole.safetensors")
        let before = Self.peakMemory
        let learner = try time("load") {
            try L(settings: settings, state: SafetensorsFile(path: "\(folder)/whole.safetensors"))
        }
        figures["load_peak_bytes"] = Double(Self.peakMemory - before)
        try time("restore") {
            try learner.restore(SafetensorsFile(path: "\(folder)/increment.safetensors"))
        }
        let model = try time("load_model") {
            try L.Model(
                settings: settings,
                state: SafetensorsFile(path: "\(folder)/whole.safetensors.2")
            )
        }
        withExtendedLifetime(model) {}
    }

    private func time<Result>(
        _ name: String,
        _ body: () throws -> Result
    ) rethrows -> Result {
        let begin = threadSeconds()
        let result = try body()
        figures[name + "_ms"] = (threadSeconds() - begin) * 1000
        return result
    }

    /// The parts of a checkpoint; between them, if so, 100 events are learned each time: what comes
    /// at 10,000 events/s while a part is put on the disk.
    private func parts(of learner: L, _ name: String, isLearning: Bool) -> [NamedTensors] {
        var parts: [NamedTensors] = []
        var longest = 0.0
        while let part = time("part", { learner.takeCheckpointPart(byteCount: 2 << 20) }) {
            parts.append(part)
            longest = max(longest, figures["part_ms", default: 0])
            if isLearning { learn(learner, users: parts.count * 100..<(parts.count + 1) * 100) }
        }
        figures["part_ms"] = nil
        figures["\(name).longest_part_ms"] = longest
        figures["\(name).parts"] = Double(parts.count)
        learner.prepareLastCheckpointPart()?()
        parts.append(time("\(name).last_part") { learner.takeLastCheckpointPart() })
        let last = parts.last.map { last in last.names.compactMap { last[$0]?.bytes.count } }
        figures["\(name).last_part_bytes"] = Double(last?.reduce(0, +) ?? 0)
        return parts
    }

    private func write(_ merge: StateMerge, to path: String) throws {
        let file = try Self.newFile(path)
        try merge.write(
            unreadable: { $0 as any Error },
            to: { piece throws(any Error) in
                guard let start = piece.baseAddress else { return }
                let data = Data(
                    bytesNoCopy: UnsafeMutableRawPointer(mutating: start),
                    count: piece.count,
                    deallocator: .none
                )
                try file.write(contentsOf: data)
            }
        )
    }

    /// One event of each user, of whatever item.
    private func learn(_ learner: L, users: Range<Int>) {
        var random = SplitMix64(state: UInt64(users.count))
        var decoded = L.Events()
        var rejections: [Rejection] = []
        for start in stride(from: users.lowerBound, to: users.upperBound, by: 10_000) {
            let lines = (start..<min(start + 10_000, users.upperBound)).map { user in
                let item = Int(random.next() % UInt64(items))
                return #"{"user":"user-\#(user)","item":"item-\#(item)","value":3,"timestamp":1}"#
            }
            Data(lines.joined(separator: "\n").utf8).withUnsafeBytes { bytes in
                LearnerBenchmark.split(bytes).withUnsafeBufferPointer {
                    L.decode(
                        EncodedBatch($0),
                        settings: settings,
                        into: &decoded,
                        rejections: &rejections
                    )
                }
                learner.learn(decoded)
            }
            // As a trainer publishes before a checkpoint.
            _ = learner.takeDelta()
        }
        precondition(rejections.isEmpty, "an event was rejected")
    }

    private static func newFile(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(filePath: path))
        return try FileHandle(forWritingTo: URL(filePath: path))
    }

    private static func byteCount(_ path: String) throws -> Double {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.size] as? NSNumber)?.doubleValue ?? .nan
    }

    /// The most memory that the process has had, in bytes.
    private static var peakMemory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int(usage.ru_maxrss) * 1024
    }
}
