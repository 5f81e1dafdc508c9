import Foundation
import Learning
import Recommendation

/// A learner with a limit on its memory and more users than fit.
final class MemoryBenchmark<L: Learner> where L.Settings == RecommenderSettings {
    private let settings: RecommenderSettings
    private var events = L.Events()
    private var rejections: [Rejection] = []

    init(_ learner: L.Type, settings: RecommenderSettings) { self.settings = settings }

    /// Learns until there have been so many users: every second event is a new user's, the others
    /// are of one of the last 5,000; 5,000 items, the first of them most often.
    ///
    /// Returns events a second of CPU time, memory as counted and as the kernel sees it (resident,
    /// in bytes): at the end, at the most, and at the most before half of the users had come.
    func churn(users: Int) throws -> [String: Double] {
        let learner = try L(settings: settings)
        let before = Self.memory("VmRSS")
        var random = KeyedRandom(key: 3)
        let (batchSize, total) = (2000, 2 * users)
        var seconds = 0.0
        var figures: [String: Double] = [:]
        for start in stride(from: 0, to: total, by: batchSize) {
            var text = ""
            for number in start..<min(start + batchSize, total) {
                let newest = number / 2
                let user = number % 2 == 0 ? newest : max(0, newest - random.index(below: 5000))
                let part = random.unit()
                text += "{\"user\":\"user-\(user)\",\"item\":\(Int(part * part * part * 5000)),"
                text += "\"value\":\(1 + number % 5),\"timestamp\":\(number)}\n"
            }
            seconds += learn(Data(text.utf8), learner)
            if start + batchSize == total / 2 / batchSize * batchSize {
                figures["half.resident"] = Self.memory("VmHWM") - before
            }
        }
        figures["events"] = Double(total)
        figures["events_per_second"] = Double(total) / seconds
        figures["end.resident"] = Self.memory("VmRSS") - before
        figures["peak.resident"] = Self.memory("VmHWM") - before
        for metric in learner.metrics where metric.value.isFinite {
            figures["metric." + metric.name] = metric.value
        }
        return figures
    }

    /// Learns the lines of a file; returns the metrics.
    func quality(_ lines: Data) throws -> [String: Double] {
        let learner = try L(settings: settings)
        _ = learn(lines, learner)
        let metrics = learner.metrics.filter { $0.value.isFinite }
        return Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value) })
    }

    /// Learns one event per line; returns seconds of CPU time.
    private func learn(_ lines: Data, _ learner: L) -> Double {
        lines.withUnsafeBytes { bytes in
            LearnerBenchmark.split(bytes).withUnsafeBufferPointer { all in
                bestSeconds(runs: 1) {
                    for start in stride(from: 0, to: all.count, by: 2000) {
                        let batch = UnsafeBufferPointer(rebasing: all[start...].prefix(2000))
                        L.decode(
                            EncodedBatch(batch),
                            settings: settings,
                            into: &events,
                            rejections: &rejections
                        )
                        learner.learn(events)
                    }
                }
            }
        }
    }

    /// A line of /proc/self/status, in bytes.
    private static func memory(_ name: String) -> Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
            return (Double(line.split(separator: " ", omittingEmptySubsequences: true)[1]) ?? 0)
                * 1024
        }
        return .nan
    }
}
